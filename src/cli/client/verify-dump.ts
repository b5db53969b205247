import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

import { errorCode } from '../../base/error-code.js';
import { CliError, EXIT } from '../cli-error.js';
import type { ClientPrograms } from '../import/client-programs.js';
import { targetEnvironment } from '../import/connection.js';
import { firstError } from '../import/parse-messages.js';
import { runTool } from '../import/run-tool.js';
import { formatBytes, ProgressLine } from '../import/show-progress.js';
import { SNIFFED_BYTES, sniffDump } from '../import/sniff-dump.js';

export interface VerifiedDump {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Reads all of a dump as a restore would, without a server, and compares its digest if one is given.
 *
 * pg_restore finds a dump that is cut off, wherever that is, since its table of contents names what has to follow; what else
 * was changed in it, only the digest finds for sure.
 *
 * @throws CliError if it is not whole
 */
export async function verifyDump(path: string, { pgRestore, major }: ClientPrograms, digest?: string): Promise<VerifiedDump> {
  const sniffed = sniffDump(await readBeginning(path));
  if (!sniffed.restorable) throw new CliError(`${path} is no dump that pg_restore reads: ${sniffed.fault}`);
  const hash = createHash('sha256');
  const progress = new ProgressLine();
  let bytes = 0;
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      progress.tell(() => `checking the dump: ${formatBytes(bytes, undefined)}`);
      yield chunk;
    }
  };
  const environment = targetEnvironment({ address: '', password: undefined });
  const { code, stderr } = await runTool(pgRestore, ['--file=/dev/null'], {
    environment, input: read(), signal: new AbortController().signal,
  }).finally(() => progress.clear());
  if (code !== 0) {
    const fault = firstError(stderr);
    if (/unsupported version/.test(fault)) {
      throw new CliError(
        `${path} was made by a newer pg_dump than the pg_restore ${major} of this machine reads (${fault}): `
          + 'install a newer postgresql-client',
      );
    }
    throw new CliError(`${path} is damaged or not whole: ${fault}; dump again`);
  }
  const sha256 = hash.digest('hex');
  if (digest !== undefined && digest.toLowerCase() !== sha256) {
    throw new CliError(`${path} is not what was dumped: its sha256 is ${sha256}; dump again`);
  }
  return { bytes, sha256 };
}

async function readBeginning(path: string): Promise<Buffer> {
  const unreadable = (error: unknown): never => {
    throw new CliError(`${path} cannot be read: ${errorCode(error) ?? String(error)}`, EXIT.usage);
  };
  const file = await open(path).catch(unreadable);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0).catch(unreadable);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
