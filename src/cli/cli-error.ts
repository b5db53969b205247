/** Exit codes of the `freehold` command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Something that a person is told in one message, without a stack; the message says what happened and what to do. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
    this.name = 'CliError';
  }
}

/** The code of a failed system call, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
