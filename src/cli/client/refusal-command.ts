import type { Command } from 'commander';

import type { AnswerOf, ItemOf } from '../../../clients/typescript/src/client.js';
import { note, printJson, printList, type Column } from '../output.js';
import { findDatabase } from './find-database.js';
import { openSession, withApi } from './session.js';

const REFUSALS: readonly Column<ItemOf<AnswerOf<'get', '/v1/databases/{id}/refusals'>>>[] = [
  ['REASON', ({ reason }) => reason],
  ['CONNECTIONS', ({ count }) => String(count)],
  ['LAST', ({ last }) => last?.at ?? '-'],
  ['FROM', ({ last }) => last?.source ?? '-'],
];

/** `freehold databases refusals` */
export function refusalCommand(group: Command): void {
  withApi(
    group
      .command('refusals')
      .description('show why clients are refused before PostgreSQL hears of them')
      .argument('<database>', 'its id, or its name'),
  ).action(async (database: string, _options: unknown, command: Command) => {
    const { api, asJson } = openSession(command);
    const { id } = await findDatabase(api, database);
    const answer = await api.call('get', '/v1/databases/{id}/refusals', { path: { id } });
    if (asJson) return printJson(answer);
    if (answer.since !== null) note(`counted since ${answer.since}`);
    printList(answer.data, REFUSALS, false);
  });
}
