import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';

import type { Download, DownloadDigest } from '../../../clients/typescript/src/client.js';
import { reasonOf } from '../../base/reason-of.js';
import { errorCode } from '../../base/error-code.js';
import { CliError, EXIT } from '../cli-error.js';
import { findClientPrograms } from '../import/client-programs.js';
import { formatBytes, ProgressLine } from '../import/show-progress.js';
import { note, print, printJson } from '../output.js';
import { findDatabase } from './find-database.js';
import { openSession, withApi } from './session.js';
import { verifyDump } from './verify-dump.js';

interface DumpOptions {
  readonly database?: string;
  readonly link?: true;
  readonly validFor: string;
  readonly output?: string;
  readonly verify?: string;
  readonly digest?: string;
}

/** `freehold dump` */
export function dumpCommand(): Command {
  return withApi(
    new Command('dump')
      .description('write a dump of the live data to standard output or a file, for pg_restore; or check one')
      .argument('[database]', 'its id, or its name'),
  )
    .option('--database <name>', 'another database of the same instance, by its name there')
    .option('--output <file>', 'write it there; until it is whole its name ends in .part')
    .option('--verify <file>', 'check a dump that is there, of this or another server: read all of it, and compare its digest')
    .option('--digest <sha256>', 'the digest that --verify compares with, as it was printed when the dump was made')
    .option('--link', 'print a link instead, by which a browser downloads the dump once')
    .option('--valid-for <minutes>', 'how long the link can be used, at most a day', '15')
    .action((database: string | undefined, options: DumpOptions, command: Command) => {
      if (options.verify !== undefined) return verify(options.verify, options.digest, database, command);
      if (options.digest !== undefined) throw new CliError('--digest goes with --verify FILE', EXIT.usage);
      if (database === undefined) throw new CliError('which database? give its id or its name', EXIT.usage);
      if (options.link && options.database !== undefined) {
        throw new CliError('--link leads to a dump of the endpoint\'s database, and --database names another one', EXIT.usage);
      }
      if (options.link) return printLink(database, options.validFor, command);
      if (options.output === undefined && process.stdout.isTTY) {
        throw new CliError('a dump is not for a terminal: send it to a file, as by freehold dump DB --output FILE', EXIT.usage);
      }
      return download(database, options, command);
    });
}

async function printLink(database: string, minutes: string, command: Command): Promise<void> {
  if (!/^\d{1,4}$/.test(minutes)) throw new CliError(`--valid-for takes a number of minutes, and not "${minutes}"`, EXIT.usage);
  const { api, asJson } = openSession(command);
  const { id } = await findDatabase(api, database);
  const link = await api.call('post', '/v1/databases/{id}/dump-links', { path: { id }, body: { validForSeconds: Number(minutes) * 60 } });
  if (asJson) {
    printJson(link);
    return;
  }
  print(link.url);
  note(`it can be used once, until ${link.expiresAt}`);
}

async function download(database: string, { output, database: named }: DumpOptions, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const { id } = await findDatabase(api, database);
  const file = output === undefined ? undefined : await WholeFile.open(output);
  const ended = new AbortController();
  const progress = new ProgressLine();
  let bytes = 0;
  const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      progress.tell(() => formatBytes(bytes, undefined));
      yield chunk;
    }
  };
  const read = async (dump: Download): Promise<DownloadDigest> => {
    await (file ? file.write(count(dump.chunks)) : pipeline(dump.chunks, count, process.stdout)).catch((error: unknown) => {
      throw new CliError(`the dump was cut off after ${bytes} bytes and is not whole: ${reasonOf(error)}; begin again`);
    });
    return dump.digest();
  };
  try {
    const { sha256, confirmed } = await read(await api.dump(id, ended.signal, named));
    await file?.keep();
    progress.clear();
    if (file && asJson) printJson({ file: output, bytes, sha256, confirmed });
    note(`${named === undefined ? id : `${named} of ${id}`} is dumped: ${formatBytes(bytes, undefined)}, sha256 ${sha256}`);
    if (!confirmed) {
      note(
        `the server's own digest did not arrive, as behind some proxies: check the file with freehold dump --verify ${output ?? 'FILE'}`,
      );
    }
  } finally {
    progress.clear();
    ended.abort();
    await file?.close();
  }
}

/** A file that has its name only once all of it is on disk; until then, or if that never comes, it ends in `.part` and goes. */
class WholeFile {
  private constructor(private readonly path: string, private readonly part: string, private readonly file: FileHandle) {}

  /** @throws CliError if it cannot be written */
  static async open(path: string): Promise<WholeFile> {
    const part = `${path}.part`;
    return new WholeFile(path, part, await open(part, 'w', 0o600).catch((error: unknown) => cannotWrite(path, error)));
  }

  async write(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await writeFile(this.file, chunks);
    await this.file.sync();
  }

  async keep(): Promise<void> {
    await rename(this.part, this.path).catch((error: unknown) => cannotWrite(this.path, error));
    const directory = await open(dirname(this.path), 'r');
    await directory.sync().finally(() => directory.close());
  }

  async close(): Promise<void> {
    await this.file.close();
    await rm(this.part, { force: true });
  }
}

function cannotWrite(path: string, error: unknown): never {
  throw new CliError(`${path} cannot be written: ${errorCode(error) ?? String(error)}`, EXIT.usage);
}

async function verify(path: string, digest: string | undefined, database: string | undefined, command: Command): Promise<void> {
  if (database !== undefined) throw new CliError(`--verify looks at a file alone, and not at ${database}`, EXIT.usage);
  if (digest !== undefined && !/^[0-9a-f]{64}$/i.test(digest)) {
    throw new CliError('--digest takes the 64 hexadecimal digits of a SHA-256', EXIT.usage);
  }
  const verified = await verifyDump(path, await findClientPrograms(), digest);
  if (command.optsWithGlobals<{ json?: boolean }>().json === true) printJson({ file: path, ...verified });
  else print(`${path} is whole: ${formatBytes(verified.bytes, undefined)}, sha256 ${verified.sha256}`);
}
