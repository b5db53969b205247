import { ProblemError, UnreachableError } from '../../clients/typescript/src/client.js';
import { errorCode } from '../base/error-code.js';
import { SettingsError } from '../config/settings.js';
import { EngineError } from '../engine/errors.js';

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

/** Whether a disk is full. */
export function saysNoRoom(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * What a person is told of an error, and the code to exit with.
 *
 * Errors that are expected carry a message for people, and perhaps a hint; of any other the stack is told.
 */
export function describeError(error: unknown): { message: string; exitCode: number } {
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof ProblemError) return { message: describeProblem(error), exitCode: EXIT.failed };
  if (error instanceof UnreachableError) {
    return {
      message: `${error.message}: is the fleet up, and is the address right? set it with --url or FREEHOLD_URL`, exitCode: EXIT.failed,
    };
  }
  if (error instanceof SettingsError) return { message: error.message, exitCode: EXIT.usage };
  if (error instanceof EngineError) {
    return { message: error.hint === undefined ? error.message : `${error.message}: ${error.hint}`, exitCode: EXIT.failed };
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: EXIT.failed };
}

/** A problem in one line: with its fields where it names some, for then the detail says no more than the title. */
function describeProblem({ status, problem: { title, detail, errors = [] } }: ProblemError): string {
  const reason = errors.length > 0 ? errors.map(({ field, message }) => `${field} ${message}`).join('; ') : detail;
  const advice = status === 401 ? ' (give a key with --api-key or FREEHOLD_API_KEY)' : '';
  return `${title}: ${reason}${advice}`.replace(/\s*\n\s*/g, ' ');
}
