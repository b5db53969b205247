import { Command } from 'commander';

import type { Database } from '../../../clients/typescript/src/client.js';
import { print, printJson, printList, type Column } from '../output.js';
import { findDatabase } from './find-database.js';
import { finishOperation } from './finish-operation.js';
import { openSession, withApi } from './session.js';

const COPIES: readonly Column<Database['keptCopies'][number]>[] = [
  ['ID', ({ id }) => id],
  ['HOST', ({ host }) => host],
  ['KEPT AT', ({ keptAt }) => keptAt],
  ['SIZE', ({ sizeBytes }) => `${sizeBytes} B`],
];

/** `freehold databases kept` and `freehold databases release` */
export function addKeptCommands(group: Command): void {
  withApi(
    group.command('kept').description('list what forced failovers of a database moved aside').argument('<database>', 'its id, or its name'),
  ).action(async (database: string, _options: unknown, command: Command) => {
    const { api, asJson } = openSession(command);
    printList((await findDatabase(api, database)).keptCopies, COPIES, asJson);
  });
  withApi(
    group
      .command('release')
      .description('remove a copy that was moved aside, for good')
      .argument('<database>', 'its id, or its name')
      .argument('<copy>', 'see freehold databases kept'),
  )
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, copy: string, { wait }: { wait: boolean }, command: Command) => {
      const session = openSession(command);
      const { id } = await findDatabase(session.api, database);
      const accepted = await session.api.call('post', '/v1/databases/{id}/kept-copies/{keptCopyId}/release', {
        path: { id, keptCopyId: copy },
      });
      const operation = wait ? await finishOperation(session, accepted.operation.id) : accepted.operation;
      if (session.asJson) printJson({ operation });
      else print(wait ? `${copy} is gone` : `${copy} is being removed by ${operation.id}`);
    });
}
