import { spawn } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';

import { EngineError } from '../../errors.js';
import type { Account } from './files.js';
import { OutputTail } from './output-tail.js';
import { commandFailure } from './tool-failure.js';

export interface CommandOptions {
  readonly signal?: AbortSignal;
  readonly account?: Account;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** How much of the end of its output is kept; enough to explain a failure if left out. */
  readonly outputBytes?: number;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What every command is run with; nothing is inherited, so that no setting of the caller's shell changes what it does. */
export const COMMAND_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  HOME: '/nonexistent',
};

/**
 * Runs one command to its end; a non-zero exit code is an answer, not an error.
 *
 * @throws EngineError `permanent` if the program is not there, `outcome-unknown` if the signal ended it.
 */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: '/',
      env: { ...COMMAND_ENVIRONMENT, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.account ? { uid: options.account.uid, gid: options.account.gid } : {}),
      ...(options.signal ? { signal: options.signal, killSignal: 'SIGKILL' as const } : {}),
    });
    const stdout = new OutputTail(options.outputBytes);
    const stderr = new OutputTail();
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') reject(notInstalled(program));
      else reject(new EngineError('outcome-unknown', `${program} was ended: ${error.message}`, undefined, { cause: error }));
    });
    child.on('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), stdout: stdout.text(), stderr: stderr.text() }));
  });
}

const notInstalled = (program: string): EngineError =>
  new EngineError('permanent', `${program} is not installed`, 'install it and try again');

const STREAM_WORDS_BYTES = 4_096;

/**
 * Runs one command whose output is read as it comes, no faster than it is read. The stream ends cleanly only if the
 * command does; the end of its reader, or of the signal, is the command's.
 *
 * @param what the command is to do, for messages
 */
export function streamCommand(what: string, argv: readonly string[], options: Omit<CommandOptions, 'input'> = {}): Readable {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: '/',
    env: { ...COMMAND_ENVIRONMENT, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.account ? { uid: options.account.uid, gid: options.account.gid } : {}),
    ...(options.signal ? { signal: options.signal, killSignal: 'SIGKILL' as const } : {}),
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk.toString('utf8')}`.slice(-STREAM_WORDS_BYTES);
  });
  const output = new PassThrough();
  child.stdout.pipe(output, { end: false });
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') output.destroy(notInstalled(program));
    else output.destroy(new EngineError('outcome-unknown', `${what} was ended: ${error.message}`, undefined, { cause: error }));
  });
  child.on('close', (code) => {
    if (code === 0) output.end();
    else output.destroy(commandFailure(what, { code: code ?? 128, stdout: '', stderr: words }));
  });
  output.on('close', () => child.kill('SIGKILL'));
  return output;
}
