import { Command } from 'commander';

import type { Database, Instance } from '../../../clients/typescript/src/client.js';
import type { LocaleProvider } from '../../config/locale-names.js';
import { CliError, EXIT } from '../cli-error.js';
import { addImportCommand } from '../import/import-command.js';
import { formatTable, note, print, printJson, printList, type Column } from '../output.js';
import { allowListCommands } from './allow-list-commands.js';
import { addUndeleteCommand } from './backup-commands.js';
import { findDatabase } from './find-database.js';
import { addKeptCommands } from './kept-commands.js';
import { finishOperation } from './finish-operation.js';
import { refusalCommand } from './refusal-command.js';
import { providerOption } from './provider-option.js';
import { collect, openSession, withApi } from './session.js';

const DATABASES: readonly Column<Database>[] = [
  ['ID', (database) => database.id],
  ['NAME', (database) => database.name],
  ['REGION', (database) => database.region],
  ['PLAN', (database) => database.plan],
  ['STATE', (database) => database.state],
  ['IN SYNC', (database) => (database.inSync ? 'yes' : 'no')],
  ['LOOKED AT', describeWatch],
  ['CUSTOMER', (database) => database.customerId],
];

const INSTANCES: readonly Column<Instance>[] = [
  ['ROLE', (instance) => instance.role],
  ['STATE', (instance) => instance.state],
  ['DATA CENTRE', (instance) => instance.dataCenter],
  ['HOST', (instance) => instance.host],
  ['ADDRESS', (instance) => `${instance.address}:${instance.port ?? '-'}`],
  ['LAG', (instance) => (instance.lagBytes === null ? '-' : `${instance.lagBytes} B`)],
];

interface CreateOptions {
  readonly customer: string;
  readonly name: string;
  readonly region: string;
  readonly plan?: string;
  readonly locale?: string;
  readonly provider?: LocaleProvider;
  readonly wait: boolean;
}

interface DeleteOptions {
  readonly withoutBackup?: boolean;
  readonly wait: boolean;
}

/** `freehold databases …` */
export function databaseCommands(): Command {
  const group = new Command('databases').description('customers\' databases');
  withApi(group.command('create').description('make a database and print how to connect'))
    .requiredOption('--customer <id>', 'the customer who owns it')
    .requiredOption('--name <name>', 'its name, unique among the customer\'s databases')
    .requiredOption('--region <id>', 'where it lives, see freehold regions list')
    .option('--plan <plan>', 'its size and number of standbys')
    .option('--locale <name>', 'by what text is sorted, such as en_US.UTF-8, or de-DE with --provider icu; by code point if not given')
    .addOption(providerOption())
    .option('--no-wait', 'return as soon as the request is accepted')
    .action((options: CreateOptions, command: Command) => createDatabase(options, command));
  withApi(group.command('list').description('list databases'))
    .option('--customer <id>', 'of one customer')
    .option('--region <id>', 'of one region')
    .action(async (options: { customer?: string; region?: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      const { customer: customerId, region } = options;
      const query = { ...(customerId !== undefined && { customerId }), ...(region !== undefined && { region }) };
      printList(await collect(api.list('/v1/databases', { query })), DATABASES, asJson);
    });
  withApi(group.command('show').description('show a database and its instances').argument('<database>', 'its id, or its name'))
    .action(async (database: string, _options: unknown, command: Command) => showDatabase(database, command));
  withApi(
    group
      .command('password')
      .description('give the owner of a database a new password, and print the addresses with it, which are shown once')
      .argument('<database>', 'its id, or its name'),
  )
    .option('--overlap-hours <hours>', 'let the present password stay valid for so long, 24 at most', Number, 0)
    .action((database: string, { overlapHours }: { overlapHours: number }, command: Command) =>
      rotatePassword(database, overlapHours, command),
    );
  refusalCommand(group);
  group.addCommand(allowListCommands());
  withApi(group.command('delete').description('delete a database').argument('<database>', 'its id, or its name'))
    .option('--without-backup', 'do not wait until a backup holds all of it: what none holds by then cannot be brought back')
    .option('--no-wait', 'return as soon as the request is accepted')
    .action((database: string, options: DeleteOptions, command: Command) => deleteDatabase(database, options, command));
  withApi(
    group
      .command('pause')
      .description('let Freehold change nothing about a database by itself; alerts go on')
      .argument('<database>', 'its id, or its name'),
  )
    .requiredOption('--reason <text>', 'why, shown to everybody who looks at the database')
    .action((database: string, { reason }: { reason: string }, command: Command) =>
      setAutomation(database, { paused: true, reason }, command),
    );
  withApi(group.command('resume').description('let Freehold care for a database again').argument('<database>', 'its id, or its name'))
    .option('--reason <text>', 'why, for the audit log')
    .action((database: string, { reason }: { reason?: string }, command: Command) =>
      setAutomation(database, { paused: false, ...(reason === undefined ? {} : { reason }) }, command),
    );
  addImportCommand(group);
  addKeptCommands(group);
  addUndeleteCommand(group);
  return group;
}

async function createDatabase(options: CreateOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { customer: customerId, name, region, plan, locale, provider } = options;
  const body = {
    customerId, name, region,
    ...(plan !== undefined && { plan }),
    ...(locale !== undefined && { locale }),
    ...(provider !== undefined && { provider }),
  };
  const accepted = await session.api.createDatabase(body);
  note(`${accepted.database.id} is being made in ${accepted.database.region}`);
  // The password is told only once, so it is printed although the rest may fail.
  if (!session.asJson) print(accepted.credentials.uri);
  if (!options.wait) {
    if (session.asJson) printJson(accepted);
    return;
  }
  const operation = await finishOperation(session, accepted.operation.id);
  if (!session.asJson) return;
  const database = await session.api.getDatabase(accepted.database.id);
  printJson({ ...accepted, database, operation });
}

async function rotatePassword(idOrName: string, overlapHours: number, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  if (!(overlapHours >= 0 && overlapHours <= 24)) throw new CliError('--overlap-hours takes a number from 0 to 24', EXIT.usage);
  const { id } = await findDatabase(api, idOrName);
  const credentials = await api.rotatePassword(id, { overlapHours });
  if (asJson) {
    printJson(credentials);
    return;
  }
  print(credentials.uri);
  note(`pooled: ${credentials.pooledUri}`);
  if (overlapHours > 0) note(`for ${credentials.user}; the present password stays valid for ${overlapHours} h, under its own user`);
}

async function showDatabase(idOrName: string, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const database = await findDatabase(api, idOrName);
  if (asJson) {
    printJson(database);
    return;
  }
  const facts: [string, string][] = [
    ['id', database.id],
    ['name', database.name],
    ['customer', database.customerId],
    ['region', database.region],
    ['plan', database.plan],
    ['sorted by', `${database.provider} ${database.locale}`],
    ['state', `${database.state}, ${database.inSync ? 'in sync' : 'not in sync'}, automation ${describeAutomation(database)}`],
    ['looked at', describeWatch(database)],
    ['PostgreSQL', `${database.postgresVersion ?? '-'}, epoch ${database.epoch}`],
    ['URI', database.endpoint.uri],
    ['pooled URI', database.endpoint.pooledUri],
    ['read-only', database.endpoint.readOnlyUri],
    ['created', database.createdAt],
  ];
  print(facts.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n'));
  if (database.instances.length > 0) print(`\n${formatTable(database.instances, INSTANCES)}`);
}

async function deleteDatabase(idOrName: string, { wait, withoutBackup = false }: DeleteOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { id } = await findDatabase(session.api, idOrName);
  const accepted = await session.api.deleteDatabase(id, { withoutBackup });
  const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
  if (session.asJson) printJson({ ...accepted, operation });
  else print(wait ? `${id} is deleted` : `${id} is being deleted by ${operation.id}`);
}

async function setAutomation(idOrName: string, body: { paused: boolean; reason?: string }, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const { id } = await findDatabase(api, idOrName);
  const database = await api.call('post', '/v1/databases/{id}/automation', { path: { id }, body });
  if (asJson) printJson(database);
  else print(`automation of ${id} is ${describeAutomation(database)}`);
}

/** A state that nobody has looked at for a while is only what was last known. */
function describeWatch({ watched, observedAt }: Database): string {
  if (watched) return 'now';
  return observedAt === null ? 'not yet' : `last at ${observedAt}`;
}

function describeAutomation({ automation, automationReason }: Database): string {
  return automationReason ? `${automation} (${automationReason})` : automation;
}
