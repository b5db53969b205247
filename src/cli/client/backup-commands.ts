import { Command } from 'commander';

import type { components } from '../../../clients/typescript/src/client.js';
import { CliError, EXIT } from '../cli-error.js';
import { formatTable, note, print, printJson, printList, type Column } from '../output.js';
import { findDatabase, findDeletedDatabase } from './find-database.js';
import { finishOperation } from './finish-operation.js';
import { collect, openSession, withApi } from './session.js';

type Backup = components['schemas']['Backup'];

const BACKUPS: readonly Column<Backup>[] = [
  ['ID', (backup) => backup.id],
  ['STARTED', (backup) => backup.startedAt ?? '-'],
  ['SIZE', (backup) => (backup.sizeBytes === null ? '-' : `${(backup.sizeBytes / 2 ** 20).toFixed(1)} MiB`)],
  ['COPIES', (backup) => `${backup.copies.filter(({ state }) => state === 'stored').length}/${backup.copies.length}`],
  [
    'PROVED',
    (backup) =>
      backup.provedAt === null
        ? '-'
        : `${backup.provedAt}${backup.proofRemarks.length > 0 ? ` (${backup.proofRemarks.length} remarks)` : ''}`,
  ],
  ['KEPT AS', (backup) => backup.keptAs ?? '-'],
  ['REASON', (backup) => backup.reason],
];

interface RestoreOptions {
  readonly time?: string;
  readonly backup?: string;
  readonly name?: string;
  readonly inPlace?: true;
  readonly wait: boolean;
}

/** `freehold backups …` */
export function backupCommands(): Command {
  const group = new Command('backups').description('backups of databases, and their copies at the backup sites');
  withApi(group.command('list').description('list the backups of a database, newest first').argument('<database>', 'its id, or its name'))
    .action(async (database: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const { id } = await findDatabase(api, database);
      printList(await collect(api.list('/v1/databases/{id}/backups', { path: { id } })), BACKUPS, asJson);
    });
  withApi(group.command('create').description('make a backup now').argument('<database>', 'its id, or its name'))
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, { wait }: { wait: boolean }, command: Command) => {
      const session = openSession(command);
      const { id } = await findDatabase(session.api, database);
      const accepted = await session.api.call('post', '/v1/databases/{id}/backups', { path: { id } });
      await end(session, accepted, wait, `a backup of ${id} is stored at every site`);
    });
  withApi(
    group
      .command('verify')
      .description('prove a backup by restoring it on a spare place')
      .argument('<database>', 'its id, or its name')
      .argument('[backup]', 'its id; the newest if left out'),
  )
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, backup: string | undefined, { wait }: { wait: boolean }, command: Command) => {
      const session = openSession(command);
      const { id } = await findDatabase(session.api, database);
      const backupId =
        backup ?? (await session.api.call('get', '/v1/databases/{id}/backups', { path: { id }, query: { limit: 1 } })).data[0]?.id;
      if (backupId === undefined) throw new CliError(`${id} has no backup yet: make one with freehold backups create ${id}`);
      const accepted = await session.api.call('post', '/v1/databases/{id}/backups/{backupId}/verify', { path: { id, backupId } });
      await end(session, accepted, wait, `${backupId} restores, and every relation of it is sound`);
    });
  withApi(group.command('policy').description('see which days have a backup on a day, and where the copies are'))
    .option('--on <day>', 'such as 2026-11-24; today if left out')
    .action(async ({ on }: { on?: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      const policy = await api.call('get', '/v1/backup-policy', { query: { ...(on !== undefined && { on }) } });
      if (asJson) {
        printJson(policy);
        return;
      }
      for (const slot of ['daily', 'weekly', 'monthly'] as const) print(`${slot.padEnd(9)}${policy[slot].join('  ')}`);
      print(
        `\n${formatTable(policy.sites, [
          ['SITE', ({ id }) => id], ['WHERE', ({ dataCenter, country }) => `${dataCenter}, ${country}`], ['KIND', ({ kind }) => kind],
        ])}`,
      );
    });
  return group;
}

/** `freehold restore` */
export function restoreCommand(): Command {
  return withApi(
    new Command('restore')
      .description('restore a database to a moment or a backup, into a new one or in place')
      .argument('<database>', 'its id, or its name'),
  )
    .option('--time <time>', 'the moment, such as 2026-11-24T10:15:00+01:00, or latest for all that was archived')
    .option('--backup <id>', 'a backup, see freehold backups list')
    .option('--name <name>', 'of the new database')
    .option('--in-place', 'put the database itself back; its present state is kept aside')
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, { time, backup, name, inPlace, wait }: RestoreOptions, command: Command) => {
      if ((time === undefined) === (backup === undefined)) {
        throw new CliError('say what to restore, with --time or with --backup', EXIT.usage);
      }
      const session = openSession(command);
      const { id } = await findDatabase(session.api, database);
      const body = {
        into: inPlace ? 'inPlace' as const : 'new' as const,
        ...(time !== undefined && { time }), ...(backup !== undefined && { backupId: backup }), ...(name !== undefined && { name }),
      };
      const accepted = await session.api.call('post', '/v1/databases/{id}/restore', { path: { id }, body });
      note(`${accepted.database.id} (${accepted.database.name}) is being restored`);
      // The password is told only once, so it is printed although the rest may fail.
      if (accepted.credentials && !session.asJson) print(accepted.credentials.uri);
      await end(session, accepted, wait, `${accepted.database.id} is restored`);
    });
}

/** `freehold databases undelete` */
export function addUndeleteCommand(group: Command): void {
  withApi(group.command('undelete').description('bring a deleted database back as it was').argument('<database>', 'its id, or its name'))
    .option('--name <name>', 'another name than it had, as when that is taken by now')
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (idOrName: string, { name, wait }: { name?: string; wait: boolean }, command: Command) => {
      const session = openSession(command);
      const { id } = await findDeletedDatabase(session.api, idOrName);
      const accepted = await session.api.call('post', '/v1/databases/{id}/undelete', {
        path: { id }, body: { ...(name !== undefined && { name }) },
      });
      await end(session, accepted, wait, `${id} (${accepted.database.name}) is back, with the endpoint and the password that it had`);
    });
}

async function end(
  session: ReturnType<typeof openSession>,
  accepted: { readonly operation: components['schemas']['Operation'] },
  wait: boolean,
  done: string,
): Promise<void> {
  const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
  if (session.asJson) printJson({ ...accepted, operation });
  else print(wait ? done : `${operation.kind} goes on as ${operation.id}`);
}
