import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export interface ToolEnd {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolRun {
  readonly environment: Record<string, string>;
  /** The source of its standard input; if it ends before it has read everything, the source is left. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Each line that it says on standard error; what is answered with false is not kept. */
  readonly onLine?: (line: string) => boolean;
}

/**
 * Runs a program to its end and feeds it; its exit code is an answer, not an error.
 *
 * @throws what the signal was aborted with, once the program has ended; and what its input ended with, if that failed
 */
export async function runTool(
  program: string, words: readonly string[], { environment, input, signal, onLine = () => true }: ToolRun,
): Promise<ToolEnd> {
  signal.throwIfAborted();
  const child = spawn(program, words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const output: Buffer[] = [];
  const said: string[] = [];
  let partial = '';
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${partial}${text}`.split('\n');
    partial = lines.pop() ?? '';
    said.push(...lines.filter(onLine));
  });
  // That it closed its input early shows in how it ends.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close') as Promise<[number | null]>;
  try {
    // A source that breaks off must not look like one that ended.
    const fed = feed(child.stdin, input).catch((error: unknown) => {
      stop();
      throw error;
    });
    const [[code]] = await Promise.all([ended, fed]);
    signal.throwIfAborted();
    return { code, stdout: Buffer.concat(output).toString(), stderr: [...said, partial].join('\n') };
  } catch (error) {
    stop();
    await ended.catch(() => undefined);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function feed(stdin: Writable, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of input) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk) && !stdin.destroyed) await waitForRoom(stdin);
  }
  stdin.end();
}

function waitForRoom(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stdin.off('drain', go).off('close', go);
      resolve();
    };
    stdin.on('drain', go).on('close', go);
  });
}
