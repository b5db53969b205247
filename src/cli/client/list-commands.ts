import { Command } from 'commander';

import type { Alert, AnswerOf, Customer, ItemOf, PathOf, Region } from '../../../clients/typescript/src/client.js';
import { print, printJson, printList, type Column } from '../output.js';
import { collect, openSession, withApi } from './session.js';

const CUSTOMERS: readonly Column<Customer>[] = [
  ['ID', (customer) => customer.id],
  ['NAME', (customer) => customer.name],
  ['E-MAIL', (customer) => customer.email],
  ['CREATED', (customer) => customer.createdAt],
];

const REGIONS: readonly Column<Region>[] = [
  ['ID', (region) => region.id],
  ['NAME', (region) => region.name],
  ['TIME ZONE', (region) => region.timeZone],
  ['OPEN', (region) => (region.open ? 'yes' : 'no')],
  ['DATA CENTRES', (region) => region.dataCenters.map((dataCenter) => dataCenter.id).join(', ')],
];

const ALERTS: readonly Column<Alert>[] = [
  ['ID', (alert) => alert.id],
  ['KIND', (alert) => alert.kind],
  ['STATE', (alert) => alert.state],
  ['SEVERITY', (alert) => alert.severity],
  ['YOU HAVE TO ACT', (alert) => (alert.state === 'resolved' ? '-' : alert.action === 'required' ? 'yes' : 'no')],
  ['OPENED', (alert) => alert.openedAt],
  ['MESSAGE', (alert) => alert.message],
  ['WHAT TO DO', (alert) => (alert.state === 'resolved' ? '-' : alert.advice)],
];

/** `freehold customers …` */
export function customerCommands(): Command {
  const group = new Command('customers').description('the tenants');
  withApi(group.command('create').description('sign a customer up'))
    .requiredOption('--name <name>', 'what they are called')
    .requiredOption('--email <address>', 'where they are reached')
    .action(async (options: { name: string; email: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      const customer = await api.createCustomer({ name: options.name, email: options.email });
      if (asJson) printJson(customer);
      else print(customer.id);
    });
  group.addCommand(listCommand('customers', '/v1/customers', CUSTOMERS));
  return group;
}

/** `freehold regions` and `freehold alerts`, which list where nothing else is said. */
export function inventoryCommands(): Command[] {
  return [
    new Command('regions')
      .description('where databases can live')
      .addCommand(listCommand('regions', '/v1/regions', REGIONS), { isDefault: true }),
    new Command('alerts')
      .description('what an operator should look at')
      .addCommand(listCommand('alerts, open ones first', '/v1/alerts', ALERTS), { isDefault: true }),
  ];
}

/** `… list` of everything that the API has under a path. */
export function listCommand<P extends PathOf<'get'>>(
  what: string, path: P, columns: readonly Column<ItemOf<AnswerOf<'get', P>>>[],
): Command {
  return withApi(new Command('list').description(`list ${what}`)).action(async (_options: unknown, command: Command) => {
    const { api, asJson } = openSession(command);
    printList(await collect(api.list(path)), columns, asJson);
  });
}
