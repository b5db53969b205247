import { Command, Option } from 'commander';

import type { Credentials, Role } from '../../../clients/typescript/src/client.js';
import { note, print, printJson, printList, type Column } from '../output.js';
import { findDatabase } from './find-database.js';
import { finishOperation } from './finish-operation.js';
import { openSession, withApi } from './session.js';

const ROLES: readonly Column<Role>[] = [['NAME', ({ name }) => name], ['ACCESS', ({ access }) => access]];

/** `freehold roles …` */
export function roleCommands(): Command {
  const group = new Command('roles').description('further roles of databases, beside their owners');
  const database = 'its id, or its name';
  withApi(group.command('list').description('list the roles that were made beside the owner').argument('<database>', database))
    .action(async (name: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const { id } = await findDatabase(api, name);
      const { data } = await api.call('get', '/v1/databases/{id}/roles', { path: { id } });
      printList(data, ROLES, asJson);
    });
  withApi(
    group
      .command('create')
      .description('make a role, and print its addresses with the password, which is shown once')
      .argument('<database>', database)
      .argument('<role>', 'lower-case letters, digits and underscores'),
  )
    .addOption(
      new Option('--access <access>', 'what it may do in all that the owner has and makes later')
        .choices(['readOnly', 'readWrite'])
        .default('readOnly'),
    )
    .action(async (name: string, role: string, { access }: Pick<Role, 'access'>, command: Command) => {
      const { api, asJson } = openSession(command);
      const { id } = await findDatabase(api, name);
      printCredentials(await api.call('post', '/v1/databases/{id}/roles', { path: { id }, body: { name: role, access } }), asJson);
    });
  withApi(
    group
      .command('password')
      .description('give a role a new password, and print its addresses')
      .argument('<database>', database)
      .argument('<role>', 'see freehold roles list'),
  ).action(async (name: string, role: string, _options: unknown, command: Command) => {
    const { api, asJson } = openSession(command);
    const { id } = await findDatabase(api, name);
    printCredentials(await api.call('post', '/v1/databases/{id}/roles/{name}/password', { path: { id, name: role } }), asJson);
  });
  withApi(
    group
      .command('delete')
      .description('end a role\'s sessions and remove it; what it owns goes to the owner')
      .argument('<database>', database)
      .argument('<role>', 'see freehold roles list'),
  )
    .option('--no-wait', 'return as soon as the request is accepted')
    .action((name: string, role: string, { wait }: { wait: boolean }, command: Command) => deleteRole(name, role, wait, command));
  return group;
}

function printCredentials(credentials: Credentials, asJson: boolean): void {
  if (asJson) {
    printJson(credentials);
    return;
  }
  print(credentials.uri);
  note(`pooled: ${credentials.pooledUri}`);
}

async function deleteRole(database: string, name: string, wait: boolean, command: Command): Promise<void> {
  const session = openSession(command);
  const { id } = await findDatabase(session.api, database);
  const accepted = await session.api.call('delete', '/v1/databases/{id}/roles/{name}', { path: { id, name } });
  const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
  if (session.asJson) printJson({ operation });
  else print(wait ? `${name} is gone from ${id}` : `${name} is being removed by ${operation.id}`);
}
