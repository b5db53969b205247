import { Command } from 'commander';

import type { Operation } from '../api-types.js';
import { CliError } from '../cli-error.js';
import { print, printJson, printList, type Column } from '../output.js';
import { finishOperation } from './finish-operation.js';
import { openSession, withApi } from './session.js';
import { describeEnd, StepPrinter } from './show-steps.js';

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
    .option('--state <state>', 'pending, running, succeeded, failed or cancelled')
    .option('--kind <kind>', 'such as provision')
    .option('--database <id>', 'of one database')
    .action(async (options: { state?: string; kind?: string; database?: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      printList(await api.list<Operation>('/v1/operations', { state: options.state, kind: options.kind, databaseId: options.database }), OPERATIONS, asJson);
    });
  withApi(group.command('show').description('show an operation and its steps').argument('<operation>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const operation = await api.call<Operation>('GET', path(id));
      if (asJson) printJson(operation);
      else showOperation(operation);
    });
  withApi(group.command('follow').description('show an operation\'s steps as they happen').argument('<operation>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = openSession(command);
      const operation = await finishOperation(session, id);
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
  const answer = await api.call<Operation | { operation: Operation }>('POST', `${path(id)}/${verb}`);
  const operation = 'operation' in answer ? answer.operation : answer;
  if (asJson) printJson(operation);
  else print(describeEnd(operation));
}

function showOperation(operation: Operation): void {
  print(describeEnd(operation));
  new StepPrinter(print).show(operation);
}

function path(id: string): string {
  if (!id.startsWith('op_')) throw new CliError(`${id} is not an operation's id, which begins with op_: see freehold operations list`);
  return `/v1/operations/${encodeURIComponent(id)}`;
}
