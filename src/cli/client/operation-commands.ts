import { Command, Option } from 'commander';

import type { Operation } from '../../../clients/typescript/src/client.js';
import { CliError, EXIT } from '../cli-error.js';
import { print, printJson, printList, type Column } from '../output.js';
import { finishOperation } from './finish-operation.js';
import { collect, openSession, withApi } from './session.js';
import { describeEnd, StepPrinter } from './show-steps.js';

const STATES: readonly Operation['state'][] = ['pending', 'running', 'succeeded', 'failed', 'cancelled'];

const OPERATIONS: readonly Column<Operation>[] = [
  ['ID', (operation) => operation.id],
  ['KIND', (operation) => operation.kind],
  ['STATE', (operation) => operation.state],
  ['STEP', (operation) => operation.steps.find((step) => step.state === 'running' || step.state === 'failed')?.name],
  ['DATABASE', (operation) => operation.databaseId],
  ['CREATED', (operation) => operation.createdAt],
];

/** `freehold operations …` */
export function operationCommands(): Command {
  const group = new Command('operations').description('long-running changes');
  withApi(group.command('list').description('list operations, newest first'))
    .addOption(new Option('--state <state>', 'those in this state').choices(STATES))
    .option('--kind <kind>', 'such as provision')
    .option('--database <id>', 'of one database')
    .action(async (options: { state?: Operation['state']; kind?: string; database?: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      const { database: databaseId, ...filter } = options;
      const query = { ...filter, ...(databaseId !== undefined && { databaseId }) };
      printList(await collect(api.list('/v1/operations', { query })), OPERATIONS, asJson);
    });
  withApi(group.command('show').description('show an operation and its steps').argument('<operation>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const operation = await api.call('get', '/v1/operations/{id}', { path: { id: checkId(id) } });
      if (asJson) printJson(operation);
      else showOperation(operation);
    });
  withApi(group.command('follow').description('show an operation\'s steps as they happen').argument('<operation>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = openSession(command);
      const operation = await finishOperation(session, checkId(id));
      if (session.asJson) printJson(operation);
    });
  withApi(group.command('retry').description('try the step that is stuck again').argument('<operation>', 'its id'))
    .action((id: string, _options: unknown, command: Command) => steer(id, 'retry', command));
  withApi(group.command('cancel').description('cancel an operation at its next step').argument('<operation>', 'its id'))
    .action((id: string, _options: unknown, command: Command) => steer(id, 'cancel', command));
  return group;
}

async function steer(id: string, verb: 'retry' | 'cancel', command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const { operation } = await api.call('post', `/v1/operations/{id}/${verb}`, { path: { id: checkId(id) } });
  if (asJson) printJson(operation);
  else print(describeEnd(operation));
}

function showOperation(operation: Operation): void {
  print(describeEnd(operation));
  new StepPrinter(print).show(operation);
}

function checkId(id: string): string {
  if (!id.startsWith('op_')) {
    throw new CliError(`${id} is not an operation's id, which begins with op_: see freehold operations list`, EXIT.usage);
  }
  return id;
}
