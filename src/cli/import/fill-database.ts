import pg from 'pg';

import { describeError } from '../cli-error.js';
import { note } from '../output.js';
import {
  chooseCarried,
  chooseRequested,
  findMissingExtensions,
  type ListedExtension,
  type NotCarried,
  type Offer,
  type OfferedExtensions,
  type RequestedExtension,
} from './choose-carried.js';
import type { ClientPrograms } from './client-programs.js';
import { splitPassword, targetEnvironment } from './connection.js';
import { BEGINS_OBJECT, firstError, type ImportError, parseRestoreErrors } from './parse-messages.js';
import type { Archive, TocEntry } from './read-archive.js';
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
  /** Those of the new database, of which some are made on request only. */
  readonly extensions: ExtensionMaker;
  /** Told before anything is restored. */
  readonly onMissing: (missing: readonly NotCarried[]) => void;
}

export interface ExtensionMaker {
  readonly list: () => Promise<readonly ListedExtension[]>;
  /** Returns once it is made. */
  readonly make: (extension: RequestedExtension) => Promise<void>;
}

/**
 * Restores a dump through the address that its owner will use, and gathers statistics.
 *
 * @returns what could not be restored; the rest was
 */
export async function fillDatabase(filling: Filling): Promise<ImportError[]> {
  const { uri, archive, signal, onMissing } = filling;
  const { major, offered } = await askTarget(uri, signal);
  const requested = await requestExtensions(filling, offered);
  onMissing(requested.missing);
  if (archive.serverMajor !== undefined && archive.serverMajor > major) {
    note(`the source is PostgreSQL ${archive.serverMajor} and the new database ${major}: what only the newer one knows fails`);
  }
  const made = requested.names.size === 0 ? offered : (await askTarget(uri, signal)).offered;
  const errors = await restore(filling, chooseCarried(archive.entries, made, requested.schemas));
  note('gathering statistics');
  try {
    await withClient(uri, signal, (client) => client.query('ANALYZE'));
  } catch (error) {
    errors.push({ object: undefined, message: `statistics were not gathered: ${describeError(error).message}` });
  }
  return errors;
}

interface Requested {
  readonly names: ReadonlySet<string>;
  /** That were made for them: the dump makes its schemas only later. */
  readonly schemas: ReadonlySet<string>;
  readonly missing: readonly NotCarried[];
}

/** Has Freehold make what PostgreSQL gives to superusers alone, before anything that needs it is restored. */
async function requestExtensions(
  { uri, archive: { entries }, extensions, signal }: Filling, offered: OfferedExtensions,
): Promise<Requested> {
  const isAsked = entries.some(({ kind, name }) => kind === 'EXTENSION' && offered.get(name) === 'may-not');
  const listed = isAsked ? await extensions.list() : [];
  const failed: NotCarried[] = [];
  const names = new Set<string>();
  const schemas = new Set<string>();
  for (const { name, schema } of chooseRequested(entries, offered, listed)) {
    signal.throwIfAborted();
    try {
      if (schema !== 'public') {
        await withClient(uri, signal, (client) => client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`));
      }
      schemas.add(schema);
      await extensions.make({ name, schema });
      names.add(name);
    } catch (error) {
      failed.push({
        kind: 'extension',
        name,
        why: `Freehold did not make it: ${describeError(error).message}; what needs it fails: delete the database and import again`,
      });
    }
  }
  const settled = new Set([...names, ...failed.map(({ name }) => name)]);
  const rest = entries.filter(({ kind, name }) => kind !== 'EXTENSION' || !settled.has(name));
  return { names, schemas, missing: [...failed, ...findMissingExtensions(rest, offered, listed)] };
}

async function restore({ uri, dump, programs, scratch, signal }: Filling, entries: readonly TocEntry[]): Promise<ImportError[]> {
  const list = await writeList(scratch, entries);
  const connection = splitPassword(uri);
  const progress = new ProgressLine();
  let bytes = 0;
  let objects = 0;
  const describe = (): string =>
    `restoring: ${formatBytes(bytes, dump.source.bytes)}, ${Math.min(objects, entries.length)} of ${entries.length} objects`;
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
  const words = [
    '--no-owner', '--no-acl', '--no-tablespaces', '--no-table-access-method', '--no-password', '--verbose', `--use-list=${list}`,
    `--dbname=${connection.address}`,
  ];
  const ended = await runTool(programs.pgRestore, words, {
    environment: targetEnvironment(connection), input: count(), signal, onLine,
  }).finally(() => progress.clear());
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
      SELECT e.name,
             CASE WHEN e.installed_version IS NOT NULL THEN 'has' WHEN v.trusted OR NOT v.superuser THEN 'makes' ELSE 'may-not' END AS offer
      FROM pg_catalog.pg_available_extensions e
      JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version`);
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
