import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { DatabasesService } from '../../src/databases/databases.service.js';
import type { Credentials } from '../../src/databases/database.schemas.js';
import { newId } from '../../src/metadata/ids.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import type { OperationDocument } from '../../src/operations/operation.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/servers.js';

let plane: TestControlPlane;
const asker = { id: 'key_test', reach: EVERYTHING, requestId: 'req_1' };
const customerId = newId('customer');

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.app.get(Metadata).dataSource.query(
    `INSERT INTO customers (id, name, email, created_by) VALUES ($1, 'Ada', 'ada@example.com', 'key_test')`, [customerId]);
});
afterAll(() => plane?.stop());

const transaction = <Result>(work: (databases: DatabasesService, tx: Parameters<DatabasesService['create']>[0]) => Promise<Result>) =>
  plane.app.get(Metadata).transaction((tx) => work(plane.app.get(DatabasesService), tx));

async function ended(operation: OperationDocument): Promise<OperationDocument> {
  await plane.app.get(OperationsService).announce(operation);
  return eventually(async () => {
    const now = await plane.app.get(OperationsService).find(EVERYTHING, operation.id);
    return now?.finishedAt ? now : undefined;
  }, 60_000);
}

async function provision(name: string, plan = 'starter') {
  const made = await transaction((databases, tx) => databases.create(tx, { asker, customerId, name, region: 'europe', plan }));
  expect(await ended(made.operation)).toMatchObject({ state: 'succeeded', error: null });
  return made;
}

const find = (id: string) => plane.app.get(DatabasesService).find(EVERYTHING, id);

async function query(uri: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: uri });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

const psql = (uri: string, text: string) => spawnSync('psql', [uri, '-XAtc', text], { encoding: 'utf8' });

describe('a database', () => {
  let credentials: Credentials;
  let id: string;

  it('is provisioned with a standby in another data centre, in sync, and can be used at once', async () => {
    const made = await provision('shop');
    ({ credentials, database: { id } } = made);
    const database = (await find(id))!;
    expect(database).toMatchObject({ name: 'shop', state: 'available', inSync: true, epoch: 1, plan: 'starter', region: 'europe' });
    expect(database.instances.map(({ role, state }) => [role, state])).toEqual([['primary', 'running'], ['standby', 'running']]);
    expect(new Set(database.instances.map(({ dataCenter }) => dataCenter)).size).toBe(2);
    expect(await query(credentials.uri, 'CREATE TABLE orders AS SELECT 1 AS id')).toEqual([]);
    const answer = psql(credentials.pooledUri, 'SELECT id FROM orders');
    expect(answer).toMatchObject({ status: 0, stdout: '1\n' });
  });

  it('gets a new password, and refuses the old one', async () => {
    const { credentials: fresh, operation } = await transaction((databases, tx) => databases.rotatePassword(tx, { asker, id }));
    expect(await ended(operation)).toMatchObject({ state: 'succeeded' });
    expect(await query(fresh.uri, 'SELECT id FROM orders')).toEqual([{ id: 1 }]);
    await expect(query(credentials.uri, 'SELECT 1')).rejects.toThrow();
    credentials = fresh;
  });

  it('with two standbys has both in sync', async () => {
    const { database } = await provision('ledger', 'business');
    expect(await find(database.id)).toMatchObject({ state: 'available', instances: [{ role: 'primary' }, { role: 'standby' }, { role: 'standby' }] });
  });

  it('is deleted without a trace, and deleting it again is answered the same', async () => {
    const remove = () => transaction((databases, tx) => databases.delete(tx, { asker, id, withoutBackup: true }));
    const first = await remove();
    expect(await ended(first.operation)).toMatchObject({ state: 'succeeded' });
    expect(await find(id)).toMatchObject({ state: 'deleted', instances: [], inSync: false });
    expect((await remove()).operation.id).toBe(first.operation.id);
    await expect(query(credentials.uri, 'SELECT 1')).rejects.toThrow();
    expect(spawnSync('find', [plane.settings.FREEHOLD_DATA_DIR, '-path', `*${id}*`, '-name', 'PG_VERSION'], { encoding: 'utf8' }).stdout).toBe('');
  });
});
