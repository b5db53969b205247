import pg from 'pg';

import { describeError } from '../cli-error.js';
import { note } from '../output.js';
import { chooseCarried, findMissingExtensions, type NotCarried, type Offer, type OfferedExtensions } from './choose-carried.js';
import type { ClientPrograms } from './client-programs.js';
import { splitPassword, targetEnvironment } from './connection.js';
import { BEGINS_OBJECT, firstError, type ImportError, parseRestoreErrors } from './parse-messages.js';
import type { Archive } from './read-archive.js';
import { type RepeatedDump, writeList } from './read-contents.js';
import { runTool } from './run-tool.js';
import { formatBytes, ProgressLine } from './show-progress.js';

export interface Filling {
  readonly uri: string;
  readonly dump: RepeatedDump;
  readonly archive: Archive;
  readonly programs: ClientPrograms;
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Told before anything is restored. */
  readonly onMissing: (missing: readonly NotCarried[]) => void;
}

/**
 * Restores a dump through the address that its owner will use, and gathers statistics.
 *
 * @returns what could not be restored; the rest was
 */
export async function fillDatabase(filling: Filling): Promise<ImportError[]> {
  const { uri, archive, signal, onMissing } = filling;
  const { major, offered } = await askTarget(uri, signal);
  onMissing(findMissingExtensions(archive.entries, offered));
  if (archive.serverMajor !== undefined && archive.serverMajor > major) {
    note(`the source is PostgreSQL ${archive.serverMajor} and the new database ${major}: what only the newer one knows fails`);
  }
  const errors = await restore(filling, offered);
  note('gathering statistics');
  try {
    await withClient(uri, signal, (client) => client.query('ANALYZE'));
  } catch (error) {
    errors.push({ object: undefined, message: `statistics were not gathered: ${describeError(error).message}` });
  }
  return errors;
}

async function restore({ uri, dump, archive, programs, scratch, signal }: Filling, offered: OfferedExtensions): Promise<ImportError[]> {
  const entries = chooseCarried(archive.entries, offered);
  const list = await writeList(scratch, entries);
  const connection = splitPassword(uri);
  const progress = new ProgressLine();
  let bytes = 0;
  let objects = 0;
  const describe = (): string => `restoring: ${formatBytes(bytes, dump.source.bytes)}, ${Math.min(objects, entries.length)} of ${entries.length} objects`;
  const count = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of dump.readAll()) {
      bytes += chunk.length;
      progress.tell(describe);
      yield chunk;
    }
    // Before pg_restore learns that the dump has ended: one that broke off must not pass for a whole one.
    await dump.source.finish();
  };
  const onLine = (line: string): boolean => {
    if (!BEGINS_OBJECT.test(line)) return true;
    objects += 1;
    progress.tell(describe);
    return false;
  };
  const words = ['--no-owner', '--no-acl', '--no-tablespaces', '--no-table-access-method', '--no-password', '--verbose', `--use-list=${list}`, `--dbname=${connection.address}`];
  const ended = await runTool(programs.pgRestore, words, { environment: targetEnvironment(connection), input: count(), signal, onLine }).finally(() => progress.clear());
  const errors = parseRestoreErrors(ended.stderr, entries);
  note(`restored: ${formatBytes(bytes, dump.source.bytes)}, ${entries.length - errors.length} of ${entries.length} objects`);
  // It fails for harmless reasons too, which are left out, and then says how many it passed over.
  const isExplained = ended.code === 0 || errors.length > 0 || /errors ignored on restore/.test(ended.stderr);
  return isExplained ? errors : [{ object: undefined, message: `pg_restore failed: ${firstError(ended.stderr)}` }];
}

/** Asks what the new database is and offers, as its owner. */
async function askTarget(uri: string, signal: AbortSignal): Promise<{ major: number; offered: OfferedExtensions }> {
  return withClient(uri, signal, async (client) => {
    const { rows: extensions } = await client.query<{ name: string; offer: Offer }>(`
      SELECT e.name, CASE WHEN e.installed_version IS NOT NULL THEN 'has' WHEN v.trusted OR NOT v.superuser THEN 'makes' ELSE 'may-not' END AS offer
      FROM pg_catalog.pg_available_extensions e JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version`);
    const { rows: [version] } = await client.query<{ number: string }>("SELECT pg_catalog.current_setting('server_version_num') AS number");
    return { major: Math.floor(Number(version?.number) / 10_000), offered: new Map(extensions.map(({ name, offer }) => [name, offer])) };
  });
}

async function withClient<T>(uri: string, signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 30_000 });
  // It fails the query that is under way, which is what is reported.
  client.on('error', () => undefined);
  const stop = (): void => void client.end();
  await client.connect();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end();
  }
}
