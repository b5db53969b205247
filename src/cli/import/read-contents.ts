import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CliError } from '../cli-error.js';
import type { ClientPrograms } from './client-programs.js';
import { targetEnvironment } from './connection.js';
import type { DumpSource } from './dump-source.js';
import { parseGrants, type RoleUse } from './parse-grants.js';
import { firstError } from './parse-messages.js';
import { parseToc, type Toc, type TocEntry } from './parse-toc.js';
import { runTool } from './run-tool.js';

/** What a dump holds, told before any of its data is read. */
export interface Contents {
  readonly toc: Toc;
  readonly use: RoleUse;
}

/** A table of contents holds every definition of the schema; one that is larger is not kept in memory. */
const LONGEST_BEGINNING_BYTES = 512 * 2 ** 20;

/** A dump of which the beginning is kept, so that it can be read again; pg_dump meanwhile waits with the rest. */
export class RepeatedDump {
  private readonly beginning: Uint8Array[] = [];
  private keptBytes = 0;
  private readonly rest: AsyncIterator<Uint8Array>;

  constructor(readonly source: DumpSource) {
    this.rest = source.chunks[Symbol.asyncIterator]();
  }

  /** From the beginning, which may be asked for again once this was read as far as anybody wanted. */
  async *peek(): AsyncGenerator<Uint8Array> {
    yield* this.beginning;
    for (let next = await this.rest.next(); next.done !== true; next = await this.rest.next()) {
      this.beginning.push(next.value);
      this.keptBytes += next.value.length;
      if (this.keptBytes > LONGEST_BEGINNING_BYTES) throw new CliError(`the table of contents of the dump is longer than ${LONGEST_BEGINNING_BYTES / 2 ** 20} MiB: import it schema by schema with pg_restore`);
      yield next.value;
    }
  }

  /** All of it, for the last time. */
  async *readAll(): AsyncGenerator<Uint8Array> {
    for (let chunk = this.beginning.shift(); chunk !== undefined; chunk = this.beginning.shift()) yield chunk;
    for (let next = await this.rest.next(); next.done !== true; next = await this.rest.next()) yield next.value;
  }
}

/**
 * Reads the table of contents, and who is granted what.
 *
 * @throws CliError if there is none
 */
export async function readContents(dump: RepeatedDump, { pgRestore }: ClientPrograms, scratch: string, signal: AbortSignal): Promise<Contents> {
  const environment = targetEnvironment({ address: '', password: undefined });
  // With --create, settings of the database as a whole are listed too.
  const listed = await runTool(pgRestore, ['--list', '--create'], { environment, input: dump.peek(), signal });
  if (listed.code !== 0) {
    // That pg_dump failed says more than that its dump is short.
    await dump.source.finish();
    throw new CliError(`the dump has no table of contents that can be read: ${firstError(listed.stderr)}`);
  }
  const toc = parseToc(listed.stdout);
  const list = await writeList(scratch, toc.entries.filter(({ kind }) => ['ACL', 'DEFAULT ACL', 'POLICY'].includes(kind)));
  const granted = await runTool(pgRestore, ['--schema-only', '--create', '--file=-', `--use-list=${list}`], { environment, input: dump.peek(), signal });
  if (granted.code !== 0) throw new CliError(`the privileges in the dump cannot be read: ${firstError(granted.stderr)}`);
  return { toc, use: parseGrants(granted.stdout) };
}

/** Writes a list that `pg_restore --use-list` takes. */
export async function writeList(scratch: string, entries: readonly TocEntry[]): Promise<string> {
  const path = join(scratch, 'entries');
  await writeFile(path, entries.map(({ line }) => `${line}\n`).join(''), { mode: 0o600 });
  return path;
}
