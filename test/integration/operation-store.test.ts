import { inject } from 'vitest';
import { queryRows } from '../../src/metadata/query-rows.js';
import { PostgresOperationStore } from '../../src/operations/postgres-store.js';
import { describeOperationStore, type KeptOperation } from '../support/operation-store-suite.js';
import { openTestMetadata } from '../support/test-metadata.js';

describeOperationStore('in the metadata database', async () => {
  const metadata = await openTestMetadata(inject('postgresUrl'));
  const { dataSource } = metadata;
  await dataSource.query('CREATE TABLE marks (text text)');
  const store = new PostgresOperationStore(dataSource);
  return {
    store,
    close: () => metadata.close(),
    request: (operation) => dataSource.transaction((tx) => store.request(tx, operation)),
    find: async (id) => (await queryRows<KeptOperation & object>(dataSource.manager, 'SELECT state, step, direction, attempt, found FROM operations WHERE id = $1', [id]))[0]!,
    token: async (fenceId) => BigInt((await queryRows<{ token: string }>(dataSource.manager, 'SELECT token FROM subjects WHERE id = $1', [fenceId]))[0]!.token),
    hasten: async (id) => {
      await dataSource.query(`UPDATE operations SET due_at = now(), lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 s' END WHERE id = $1`, [id]);
    },
    mark: (text) => async (tx) => { await tx.query('INSERT INTO marks VALUES ($1)', [text]); },
    marks: async () => (await queryRows<{ text: string }>(dataSource.manager, 'SELECT text FROM marks')).map(({ text }) => text),
  };
});
