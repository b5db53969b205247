import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let customer: { id: string; key: string };

beforeAll(async () => {
  api = await startTestApi({ worker: false });
  customer = await api.customer();
});
afterAll(() => api?.close());

const make = async (name: string): Promise<{ id: string; operationId: string }> => {
  const { body } = await api.post('/v1/databases', { customerId: customer.id, name, region: 'europe' });
  return { id: body.database.id, operationId: body.operation.id };
};

/** Reads a list page by page; what happens between two pages is up to the test. */
async function readAll(path: string, limit: number, between: () => Promise<void> = () => Promise.resolve()): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const { body } = await api.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`);
    ids.push(...(body.data as { id: string }[]).map(({ id }) => id));
    cursor = body.nextCursor;
    if (cursor) await between();
  } while (cursor);
  return ids;
}

describe('a list', () => {
  it('comes in pages, newest first, each row once, to an end that says so', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) made.unshift((await make(`paged-${index}`)).id);
    expect(await readAll('/v1/databases', 3)).toEqual(made);
    expect(await readAll('/v1/databases', 7)).toEqual(made);
    expect((await api.get('/v1/databases?limit=7')).body.nextCursor).toBeNull();
    expect((await api.get('/v1/databases')).body.data).toHaveLength(7);
  });

  it('is stable while rows come and go', async () => {
    const before = await readAll('/v1/databases', 200);
    let count = 0;
    const seen = await readAll('/v1/databases', 2, async () => {
      count += 1;
      await make(`meanwhile-${count}`);
      // The row that the cursor names may go as well.
      if (count === 1) await api.query(`UPDATE databases SET deleted_at = now(), purge_at = now() WHERE id = $1`, [before[1]]);
      if (count === 2) await api.query(`UPDATE databases SET deleted_at = now(), purge_at = now() WHERE id = $1`, [before.at(-1)]);
    });
    expect(seen).toEqual(before.slice(0, -1));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it.each(['/v1/customers', '/v1/operations', '/v1/audit-events', '/v1/alerts', () => `/v1/customers/${customer.id}/api-keys`])('pages: %s', async (path) => {
    await api.query(`INSERT INTO alerts (id, key, kind, severity, message, resolved_at)
      SELECT 'alt_0' || n || random(), 'key' || n || random(), 'test', 'warning', 'a message', CASE WHEN n % 2 = 0 THEN now() END FROM generate_series(1, 5) n`);
    await api.query(`UPDATE alerts SET id = 'alt_' || md5(id) WHERE id LIKE '%.%'`);
    await api.customer();
    const address = typeof path === 'string' ? path : path();
    const whole = await readAll(address, 200);
    expect(whole.length).toBeGreaterThan(0);
    expect(await readAll(address, 1)).toEqual(whole);
  });

  it('of alerts shows the open ones first', async () => {
    const { body } = await api.get('/v1/alerts?limit=200');
    const states = (body.data as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual([...states].sort());
    expect(states).toContain('open');
    expect(states).toContain('resolved');
  });

  it('of operations and databases may be narrowed', async () => {
    const { id, operationId } = await make('narrow');
    expect(await readAll(`/v1/operations?databaseId=${id}`, 10)).toEqual([operationId]);
    expect(await readAll(`/v1/operations?databaseId=${id}&kind=provision&state=pending`, 10)).toEqual([operationId]);
    expect(await readAll(`/v1/operations?databaseId=${id}&state=failed`, 10)).toEqual([]);
    const other = await api.customer();
    expect(await readAll(`/v1/databases?customerId=${other.id}`, 10)).toEqual([]);
    expect(await readAll(`/v1/databases?customerId=${customer.id}`, 200)).toContain(id);
  });

  it('of regions and plans is whole and public', async () => {
    const regions = (await api.get('/v1/regions', { key: null })).body;
    expect(regions.nextCursor).toBeNull();
    expect(regions.data.map(({ id }: { id: string }) => id)).toEqual(['europe', 'americas', 'asia-pacific', 'middle-east-and-northern-asia', 'oceania']);
    expect(regions.data[0]).toMatchObject({ id: 'europe', name: 'Europe', timeZone: 'Europe/Berlin', open: true, dataCenters: [{ id: 'europe-a', name: 'Europe A' }, { id: 'europe-b', name: 'Europe B' }] });
    expect(regions.data[0].backupSites.map(({ country, kind }: { country: string; kind: string }) => `${country} ${kind}`)).toEqual(['DE live', 'FR live', 'CA live', 'FI frozen']);
    const plans = (await api.get('/v1/plans', { key: null })).body;
    expect(plans.data.map(({ id, standbys }: { id: string; standbys: number }) => [id, standbys])).toEqual([['starter', 1], ['standard', 1], ['business', 2]]);
  });
});

describe('a conditional request', () => {
  it.each(['/v1/regions', '/v1/plans', '/v1/databases', '/v1/hosts', '/v1/customers', '/openapi.json'])('for what has not changed is answered 304: %s', async (path) => {
    const first = await api.get(path);
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^(W\/)?"/);
    const second = await api.get(path, { headers: { 'if-none-match': etag } });
    expect([second.status, second.text]).toEqual([304, '']);
    expect(second.headers.get('etag')).toBe(etag);
    expect((await api.get(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it('for what has changed is answered anew', async () => {
    const { id } = await make('changing');
    const { headers } = await api.get(`/v1/databases/${id}`);
    await api.post(`/v1/databases/${id}/automation`, { paused: true, reason: 'a test' });
    expect((await api.get(`/v1/databases/${id}`, { headers: { 'if-none-match': headers.get('etag')! } })).status).toBe(200);
  });

  it('may not be kept for others: what belongs to a credential is private', async () => {
    expect((await api.get('/v1/databases')).headers.get('cache-control')).toBe('private, no-cache');
  });
});

describe('an operation', () => {
  it('is cancelled before it has begun, and cannot be steered after its end', async () => {
    const { operationId } = await make('cancelled');
    const cancelled = await api.post(`/v1/operations/${operationId}/cancel`);
    expect(cancelled.status).toBe(202);
    expect(cancelled.body.operation).toMatchObject({ id: operationId, state: 'cancelled' });
    const again = await api.post(`/v1/operations/${operationId}/cancel`);
    expect(again.body).toMatchObject({ status: 409, type: expect.stringContaining('/operation-not-steerable') as string });
  });

  it('that failed tells the step and the reason, and is retried', async () => {
    const { id, operationId } = await make('unlucky');
    api.engine.fail('createPrimary', { kind: 'permanent', message: 'no space left on device', hint: 'free some space', databaseId: id });
    await api.startWorker();
    const failed = await api.ended(operationId);
    expect(failed).toMatchObject({ state: 'failed', databaseId: id, error: { step: 'create-primary', reason: 'no space left on device', hint: 'free some space', left: 'nothing' } });
    expect((await api.get(`/v1/databases/${id}`)).body.state).toBe('failed');
    expect(api.engine.leftovers(id)).toEqual([]);
    expect((await api.post(`/v1/operations/${operationId}/retry`)).status).toBe(202);
    expect(await api.ended(operationId)).toMatchObject({ state: 'succeeded', error: null });
    expect((await api.get(`/v1/databases/${id}`)).body.state).toBe('available');
    await api.stopWorker();
  });
});
