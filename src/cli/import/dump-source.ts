import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { errorCode } from '../../base/error-code.js';
import { CliError, EXIT } from '../cli-error.js';
import type { ClientPrograms } from './client-programs.js';
import { sourceEnvironment, splitPassword, targetEnvironment } from './connection.js';
import { findTarFault } from './find-tar-fault.js';
import { explainDumpFailure, firstError } from './parse-messages.js';
import { runTool } from './run-tool.js';
import { SNIFFED_BYTES, sniffDump } from './sniff-dump.js';
import { formatBytes, ProgressLine } from './show-progress.js';

/** A dump that is read once, from its beginning to its end. */
export interface DumpSource {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Undefined if it is being made meanwhile. */
  readonly bytes: number | undefined;
  /** @throws CliError if the whole dump could not be made, which shows only once its end was read */
  readonly finish: () => Promise<void>;
}

/**
 * Opens a file after all of it was read once: a dump that breaks off half-way is refused while nothing has been made.
 *
 * @throws CliError if it is not a whole dump that this machine's pg_restore can read
 */
export async function openFile(path: string, programs: ClientPrograms, signal: AbortSignal): Promise<DumpSource> {
  const bytes = await sizeOf(path);
  const fault = await findFault(path);
  if (fault !== undefined) throw new CliError(`${path} cannot be imported: ${fault}`);
  await checkWhole(path, bytes, programs, signal);
  return { chunks: createReadStream(path) as AsyncIterable<Buffer>, bytes, finish: () => Promise.resolve() };
}

async function sizeOf(path: string): Promise<number> {
  if (/:\/\//.test(path)) throw new CliError('--from-file takes the path of a file; give the address of a server with --from', EXIT.usage);
  const found = await stat(path).catch((error: unknown) => {
    throw new CliError(`${path} cannot be read: ${errorCode(error) ?? String(error)}`, EXIT.usage);
  });
  if (found.isDirectory()) {
    throw new CliError(`${path} is a directory: dumps of pg_dump --format=directory are not taken; use --format=custom`, EXIT.usage);
  }
  if (!found.isFile()) throw new CliError(`${path} is not a file, which is read twice: once to see that it is whole`, EXIT.usage);
  return found.size;
}

/** Finds what can be told of a file without pg_restore. */
async function findFault(path: string): Promise<string | undefined> {
  const file = await open(path).catch((error: unknown) => {
    throw new CliError(`${path} cannot be read: ${errorCode(error) ?? String(error)}`, EXIT.usage);
  });
  const read = async (position: number, bytes: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, position);
    return buffer.subarray(0, bytesRead);
  };
  try {
    const sniffed = sniffDump(await read(0, SNIFFED_BYTES));
    if (!sniffed.restorable) return sniffed.fault;
    return sniffed.format === 'tar' ? await findTarFault(read) : undefined;
  } finally {
    await file.close();
  }
}

async function checkWhole(path: string, bytes: number, { pgRestore, major }: ClientPrograms, signal: AbortSignal): Promise<void> {
  const progress = new ProgressLine();
  let done = 0;
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      done += chunk.length;
      progress.tell(() => `checking the dump: ${formatBytes(done, bytes)}`);
      yield chunk;
    }
  };
  const environment = targetEnvironment({ address: '', password: undefined });
  const { code, stderr } = await runTool(pgRestore, ['--file=/dev/null'], { environment, input: read(), signal }).finally(() =>
    progress.clear(),
  );
  if (code === 0) return;
  const fault = firstError(stderr);
  if (/unsupported version/.test(fault)) {
    throw new CliError(
      `${path} was made by a newer pg_dump than the pg_restore ${major} of this machine can read (${fault}): `
        + 'install a newer postgresql-client',
    );
  }
  throw new CliError(`${path} is damaged or not whole: ${fault}; nothing was made. Dump again`);
}

/** Begins to dump a running server. What goes wrong at once shows when the beginning of the dump is read. */
export function openServer(uri: string, { pgDump, major }: ClientPrograms, signal: AbortSignal): DumpSource {
  const { child, finish } = startDump(uri, '--format=custom', { pgDump, major }, signal);
  return { chunks: child.stdout as AsyncIterable<Buffer>, bytes: undefined, finish };
}

/** All that a server holds, in SQL. */
export async function* dumpAsSql(
  uri: string, programs: Pick<ClientPrograms, 'pgDump' | 'major'>, signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { child, finish } = startDump(uri, '--format=plain', programs, signal);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await finish();
  } finally {
    child.kill('SIGTERM');
  }
}

/** All that a dump holds, in SQL; that it is whole was looked at before. */
export async function* restoreAsSql(path: string, { pgRestore }: ClientPrograms, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const child = spawn(pgRestore, ['--file=-', path], {
    env: targetEnvironment({ address: '', password: undefined }), stdio: ['ignore', 'pipe', 'ignore'], signal,
  });
  child.on('error', () => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    signal.throwIfAborted();
  } finally {
    child.kill('SIGTERM');
  }
}

interface RunningDump {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly finish: () => Promise<void>;
}

function startDump(
  uri: string, format: string, { pgDump, major }: Pick<ClientPrograms, 'pgDump' | 'major'>, signal: AbortSignal,
): RunningDump {
  const connection = splitPassword(uri);
  signal.throwIfAborted();
  const child = spawn(pgDump, [format, '--no-password', `--dbname=${connection.address}`], {
    env: sourceEnvironment(connection), stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  // It is asked for later.
  ended.catch(() => undefined);
  const finish = async (): Promise<void> => {
    const [code] = await ended.finally(() => signal.removeEventListener('abort', stop));
    signal.throwIfAborted();
    if (code !== 0) throw new CliError(explainDumpFailure(said, major));
  };
  return { child, finish };
}
