import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resealMetadata, SEALED_COLUMNS } from '../../src/reconciliation/reseal-metadata.js';
import { Vault } from '../../src/secrets/vault.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

describe('sealing the metadata anew', () => {
  let api: TestApi;
  const next = new Vault(randomBytes(32));

  beforeAll(async () => {
    api = await startTestApi();
    const { id } = await api.customer();
    for (const name of ['one', 'two', 'three']) {
      const key = { 'idempotency-key': `made-of-${name}` };
      const { body } = await api.post('/v1/databases', { customerId: id, name, region: 'europe' }, { headers: key });
      await api.ended(body.operation.id);
    }
    await api.stopWorker();
  });
  afterAll(() => api?.close());

  it('knows every column of the schema that is sealed', async () => {
    const rows = await api.query<{ name: string }>(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE '%sealed%'`,
    );
    expect(SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort()).toEqual(rows.map(({ name }) => name).sort());
  });

  it('goes on where it was cut off, and leaves nothing under the old key', async () => {
    const { dataSource, vault } = api.ground;
    let looks = 0;
    const cutOff = resealMetadata(dataSource, next, vault, () => {
      looks += 1;
      if (looks === 2) throw new Error('killed');
    });
    await expect(cutOff).rejects.toThrow('killed');
    const told: number[] = [];
    const { resealed, of } = await resealMetadata(dataSource, next, vault, (done) => told.push(done));
    expect(resealed).toBeGreaterThan(0);
    expect(resealed).toBeLessThan(of);
    expect(told.at(-1)).toBe(of);
    expect(await resealMetadata(dataSource, next, vault, () => undefined)).toEqual({ resealed: 0, of });
    for (const { table, column, key, owner } of SEALED_COLUMNS) {
      const rows = await api.query<{ key: string[]; sealed: Buffer }>(`SELECT ARRAY[${key.join(', ')}]::text[] AS key, ${column} AS sealed FROM ${table} WHERE ${column} IS NOT NULL`);
      for (const row of rows) expect(next.unseal(row.sealed, owner(row.key)).length).toBeGreaterThan(0);
    }
    const [kept] = await api.query<{ n: number }>('SELECT count(sealed_volume_key)::int AS n FROM databases');
    expect(kept).toEqual({ n: 3 });
  });
});
