import { Command } from 'commander';

import type { Extension } from '../../../clients/typescript/src/client.js';
import { print, printJson, printList, type Column } from '../output.js';
import { findDatabase } from './find-database.js';
import { finishOperation } from './finish-operation.js';
import { openSession, withApi } from './session.js';

const MADE_BY: Readonly<Record<Extension['access'], string>> = { owner: 'owner', request: 'Freehold', refused: 'nobody', present: '-' };

const EXTENSIONS: readonly Column<Extension>[] = [
  ['NAME', ({ name }) => name],
  ['VERSION', ({ version, installed }) => installed?.version ?? version],
  ['INSTALLED', ({ installed }) => (installed ? `in ${installed.schema}` : 'no')],
  ['MADE BY', ({ access }) => MADE_BY[access]],
  ['WHY', ({ why }) => why],
];

/** `freehold extensions …` */
export function extensionCommands(): Command {
  const group = new Command('extensions').description('extensions of databases, and which are offered');
  withApi(
    group
      .command('list')
      .description('list the extensions that a database has or may have, and why not others')
      .argument('<database>', 'its id, or its name'),
  )
    .option('--installed', 'only those that it has')
    .action(async (database: string, { installed }: { installed?: boolean }, command: Command) => {
      const { api, asJson } = openSession(command);
      const { id } = await findDatabase(api, database);
      const { data } = await api.call('get', '/v1/databases/{id}/extensions', { path: { id } });
      printList(installed ? data.filter((extension) => extension.installed !== null) : data, EXTENSIONS, asJson);
    });
  withApi(
    group
      .command('create')
      .description('make an extension, also one that PostgreSQL gives to superusers alone')
      .argument('<database>', 'its id, or its name')
      .argument('<extension>', 'see freehold extensions list'),
  )
    .option('--schema <schema>', 'where its functions and types go', 'public')
    .option('--no-wait', 'return as soon as the request is accepted')
    .action((database: string, name: string, options: { schema: string; wait: boolean }, command: Command) =>
      createExtension(database, name, options, command),
    );
  withApi(
    group
      .command('drop')
      .description('take an extension away, unless something rests on it')
      .argument('<database>', 'its id, or its name')
      .argument('<extension>', 'see freehold extensions list --installed'),
  )
    .option('--no-wait', 'return as soon as the request is accepted')
    .action((database: string, name: string, { wait }: { wait: boolean }, command: Command) =>
      dropExtension(database, name, wait, command),
    );
  return group;
}

async function createExtension(
  database: string, name: string, { schema, wait }: { schema: string; wait: boolean }, command: Command,
): Promise<void> {
  const session = openSession(command);
  const { id } = await findDatabase(session.api, database);
  const accepted = await session.api.call('post', '/v1/databases/{id}/extensions', { path: { id }, body: { name, schema } });
  const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
  if (session.asJson) printJson({ operation });
  else print(wait ? `${id} has ${name}` : `${name} is being made by ${operation.id}`);
}

async function dropExtension(database: string, name: string, wait: boolean, command: Command): Promise<void> {
  const session = openSession(command);
  const { id } = await findDatabase(session.api, database);
  const accepted = await session.api.call('delete', '/v1/databases/{id}/extensions/{name}', { path: { id, name } });
  const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
  if (session.asJson) printJson({ operation });
  else print(wait ? `${name} is gone from ${id}` : `${name} is being dropped by ${operation.id}`);
}
