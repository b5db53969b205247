import { Command } from 'commander';

import { note, print, printJson } from '../output.js';
import { findDatabase } from './find-database.js';
import { openSession, withApi, type Session } from './session.js';

const PATH = '/v1/databases/{id}/allow-list';

/** `freehold databases allow-list …` */
export function allowListCommands(): Command {
  const group = new Command('allow-list').description('from where clients may connect to a database');
  const database = 'its id, or its name';
  const networks = 'such as 192.0.2.0/24, 192.0.2.7 or 2001:db8::/32';
  withApi(group.command('get').description('print the networks').argument('<database>', database))
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = openSession(command);
      const { id } = await findDatabase(session.api, name);
      show(session, (await session.api.call('get', PATH, { path: { id } })).cidrs);
    });
  withApi(
    group.command('set').description('let clients come from these networks alone; without any, from nowhere')
      .argument('<database>', database).argument('[networks...]', networks),
  ).action((name: string, given: string[], _options: unknown, command: Command) => change(name, command, () => given));
  withApi(
    group.command('add').description('let clients come from these networks, too')
      .argument('<database>', database).argument('<networks...>', networks),
  ).action((name: string, given: string[], _options: unknown, command: Command) => change(name, command, (known) => [...known, ...given]));
  withApi(
    group.command('remove').description('let clients come from these networks no more, and cut those that are in')
      .argument('<database>', database).argument('<networks...>', 'as they are listed'),
  ).action((name: string, given: string[], _options: unknown, command: Command) => change(name, command, (known) => without(known, given)));
  return group;
}

async function change(name: string, command: Command, choose: (known: readonly string[]) => string[]): Promise<void> {
  const session = openSession(command);
  const { id } = await findDatabase(session.api, name);
  const { cidrs: known } = await session.api.call('get', PATH, { path: { id } });
  show(session, (await session.api.call('put', PATH, { path: { id }, body: { cidrs: choose(known) } })).cidrs);
}

/** A network of one address is also known by its address. */
const without = (known: readonly string[], given: readonly string[]): string[] =>
  known.filter((network) => !given.includes(network) && !given.includes(network.replace(/\/(32|128)$/, '')));

function show({ asJson }: Session, cidrs: readonly string[]): void {
  if (asJson) printJson({ cidrs });
  else if (cidrs.length > 0) print(cidrs.join('\n'));
  else note('no network: nobody can connect');
}
