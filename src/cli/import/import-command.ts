import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';

import type { LocaleProvider } from '../../config/locale-names.js';
import { CliError, describeError, EXIT } from '../cli-error.js';
import { finishOperation } from '../client/finish-operation.js';
import { providerOption } from '../client/provider-option.js';
import { openSession, type Session, withApi } from '../client/session.js';
import { formatTable, note, print, printJson, showName } from '../output.js';
import { findNotCarried, type NotCarried } from './choose-carried.js';
import { type ClientPrograms, findClientPrograms } from './client-programs.js';
import { dumpAsSql, type DumpSource, openFile, openServer, restoreAsSql } from './dump-source.js';
import { type ExtensionMaker, fillDatabase } from './fill-database.js';
import type { ImportError } from './parse-messages.js';
import type { Archive } from './read-archive.js';
import { settleLocale } from './settle-locale.js';
import { parseEncoding, settleEncoding } from './source-encoding.js';
import { readContents, RepeatedDump } from './read-contents.js';

interface ImportOptions {
  readonly customer: string;
  readonly name: string;
  readonly region: string;
  readonly plan?: string;
  readonly fromFile?: string;
  readonly from?: string;
  readonly locale?: string;
  readonly provider?: LocaleProvider;
  readonly encoding?: string;
  readonly deleteOnFailure?: true;
}

/** What an import has to work with. */
interface Import {
  readonly session: Session;
  readonly options: ImportOptions;
  readonly programs: ClientPrograms;
  /** For files of its own; removed at the end. */
  readonly scratch: string;
  /** Aborted by Ctrl-C, which ends every program that was started. */
  readonly signal: AbortSignal;
}

/** `freehold databases import` */
export function addImportCommand(group: Command): void {
  withApi(group.command('import').description('make a database and fill it from a dump, or from a PostgreSQL that runs elsewhere'))
    .requiredOption('--customer <id>', 'the customer who owns it')
    .requiredOption('--name <name>', 'its name, unique among the customer\'s databases')
    .requiredOption('--region <id>', 'where it lives, see freehold regions list')
    .option('--plan <plan>', 'its size and number of standbys')
    .option('--from-file <path>', 'a dump of pg_dump --format=custom or tar')
    .option('--from <uri>', 'a server, such as postgresql://user@host/database; its password is better given with PGPASSWORD')
    .option('--locale <name>', 'sort text by this locale in place of the source\'s')
    .addOption(providerOption())
    .option('--encoding <name>', 'what the bytes of a source in SQL_ASCII are, such as LATIN1 or WIN1252')
    .option('--delete-on-failure', 'delete the new database if anything could not be restored')
    .action((options: ImportOptions, command: Command) => importDatabase(options, command));
}

async function importDatabase(options: ImportOptions, command: Command): Promise<void> {
  if ((options.from === undefined) === (options.fromFile === undefined)) {
    throw new CliError('say what to import, with --from-file or with --from', EXIT.usage);
  }
  if (options.encoding !== undefined) parseEncoding(options.encoding);
  const session = openSession(command);
  const programs = await findClientPrograms();
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new CliError('the import was cut off'));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const scratch = await mkdtemp(join(tmpdir(), 'freehold-import-'));
  try {
    await run({ session, options, programs, scratch, signal: stopping.signal });
  } finally {
    // Whatever still runs has nobody left to read from it.
    stop();
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await rm(scratch, { recursive: true, force: true });
  }
}

async function run(work: Import): Promise<void> {
  const { session: { api, asJson }, options: { customer: customerId, name, region, plan, deleteOnFailure }, signal } = work;
  const dump = new RepeatedDump(await openSource(work));
  const archive = await readContents(dump);
  const notCarried = findNotCarried(archive.entries);
  showNotCarried(notCarried);
  const { encoding } = work.options;
  await settleEncoding(dump, archive, encoding === undefined ? undefined : parseEncoding(encoding), () => readAsSql(work));
  const locale = settleLocale(archive.entries, work.options);
  notCarried.push(...locale.notCarried);
  signal.throwIfAborted();

  const accepted = await locale.ask((body) =>
    api.createDatabase({ customerId, name, region, ...body, ...(plan === undefined ? {} : { plan }) }),
  );
  const { database: { id }, credentials } = accepted;
  note(`${id} is being made in ${accepted.database.region}`);
  // The password is told only once, so it is printed although the rest may fail.
  if (!asJson) print(credentials.uri);
  const onMissing = (missing: readonly NotCarried[]): void => {
    notCarried.push(...missing);
    showNotCarried(missing);
  };
  const errors = await fill(work, { databaseId: id, operationId: accepted.operation.id, uri: credentials.uri, dump, archive, onMissing });
  for (const { object, message } of errors) note(showName(`not restored: ${object === undefined ? '' : `${object}: `}${message}`));
  const isFailed = errors.length > 0;
  const undone = isFailed && deleteOnFailure === true ? await undo(work, id) : undefined;
  if (asJson) {
    const operation = await api.call('get', '/v1/operations/{id}', { path: { id: accepted.operation.id } });
    printJson({ database: await api.getDatabase(id), operation, credentials, notCarried, errors });
  }
  if (isFailed) {
    throw new CliError(
      `not all was imported (${errors.length} ${errors.length === 1 ? 'error' : 'errors'}): `
        + (undone ?? `${id} exists with the rest; delete it with freehold databases delete ${id}`),
    );
  }
  note(`${id} holds what was imported`);
}

function openSource({ options: { from, fromFile }, programs, signal }: Import): Promise<DumpSource> | DumpSource {
  return fromFile === undefined ? openServer(from ?? '', programs, signal) : openFile(fromFile, programs, signal);
}

/** All of the source as SQL, for checks that look at each byte. */
function readAsSql({ options: { from, fromFile }, programs, signal }: Import): AsyncIterable<Uint8Array> {
  return fromFile === undefined ? dumpAsSql(from ?? '', programs, signal) : restoreAsSql(fromFile, programs, signal);
}

interface Target {
  readonly databaseId: string;
  readonly operationId: string;
  readonly uri: string;
  readonly dump: RepeatedDump;
  readonly archive: Archive;
  readonly onMissing: (missing: readonly NotCarried[]) => void;
}

/** Whatever goes wrong once there is a database is an error of the import, so that what is left can be told in one place. */
async function fill(
  { session, programs, scratch, signal }: Import, { databaseId: id, operationId, ...target }: Target,
): Promise<ImportError[]> {
  try {
    await finishOperation(session, operationId);
    const extensions: ExtensionMaker = {
      list: async () => (await session.api.call('get', '/v1/databases/{id}/extensions', { path: { id } })).data,
      make: async (body) =>
        void (await finishOperation(
          session, (await session.api.call('post', '/v1/databases/{id}/extensions', { path: { id }, body })).operation.id,
        )),
    };
    return await fillDatabase({ ...target, programs, scratch, signal, extensions });
  } catch (error) {
    return [{ object: undefined, message: describeError(error).message }];
  }
}

/** Deletes the database that was made for a failed import; answers with the message for the user. */
async function undo({ session }: Import, id: string): Promise<string> {
  try {
    const { operation } = await session.api.deleteDatabase(id, { withoutBackup: true });
    await finishOperation(session, operation.id);
    return `${id} is deleted again`;
  } catch (error) {
    return `${id} could not be deleted again: ${describeError(error).message}; try freehold databases delete ${id}`;
  }
}

function showNotCarried(items: readonly NotCarried[]): void {
  if (items.length === 0) return;
  note('cannot be carried:');
  note(formatTable(items, [['KIND', ({ kind }) => kind], ['NAME', ({ name }) => name], ['WHY', ({ why }) => why]]));
}
