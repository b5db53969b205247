import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Changes } from '../../src/changes/changes.js';
import { eventually } from '../support/servers.js';
import { type Answer, startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let customer: { id: string; key: string };

beforeAll(async () => {
  api = await startTestApi();
  customer = await api.customer();
});
afterAll(() => api?.close());

const bodyOf = (name: string) => ({ customerId: customer.id, name, region: 'europe' });
const make = (name: string, idempotencyKey: string, key?: string): Promise<Answer> =>
  api.post('/v1/databases', bodyOf(name), { headers: { 'idempotency-key': idempotencyKey }, ...(key && { key }) });
const named = (name: string) => api.query<{ id: string }>('SELECT id FROM databases WHERE name = $1', [name]);

describe('a request that is repeated', () => {
  it('with the same key and body is answered the same, and done once', async () => {
    const key = randomUUID();
    const first = await make('same', key);
    const second = await make('same', key);
    expect(first.status).toBe(202);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.status).toBe(202);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await named('same')).toHaveLength(1);
    await api.ended(first.body.operation.id);
  });

  it('with the members of its body in another order, and other white space, is the same', async () => {
    const key = randomUUID();
    const first = await make('order', key);
    const raw = `{ "region": "europe",  "name": "order", "customerId": "${customer.id}" }`;
    const second = await api.call('POST', '/v1/databases', { raw, headers: { 'idempotency-key': key } });
    expect(second.body).toEqual(first.body);
    await api.ended(first.body.operation.id);
  });

  it('with the same key and another body, address or method is refused', async () => {
    const key = randomUUID();
    const first = await make('one', key);
    for (const answer of [await make('two', key), await api.post('/v1/customers', { name: 'A', email: 'a@example.com' }, { headers: { 'idempotency-key': key } })]) {
      expect(answer.body).toMatchObject({ status: 422, type: expect.stringContaining('/idempotency-key-reused') as string });
    }
    expect(await named('two')).toEqual([]);
    await api.ended(first.body.operation.id);
  });

  it('ten times at once is done once, and each is answered the same', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => make('ten', key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await named('ten')).toHaveLength(1);
    await api.ended(answers[0]!.body.operation.id);
  });

  it('with the same key by another credential is another request', async () => {
    const key = randomUUID();
    const ours = await make('ours', key);
    const theirs = await make('theirs', key, customer.key);
    expect([ours.status, theirs.status]).toEqual([202, 202]);
    expect(theirs.body.database.id).not.toBe(ours.body.database.id);
    await Promise.all([ours, theirs].map(({ body }) => api.ended(body.operation.id)));
  });

  it('after it was refused is tried anew: only what was committed is answered again', async () => {
    const key = randomUUID();
    await api.query(`UPDATE hosts SET state = 'draining' WHERE id LIKE 'hst_europe-a%'`);
    expect((await make('later', key)).status).toBe(503);
    await api.query(`UPDATE hosts SET state = 'active'`);
    const answer = await make('later', key);
    expect(answer.status).toBe(202);
    await api.ended(answer.body.operation.id);
  });

  it('many at once that are all refused do not starve each other of connections', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => api.post('/v1/databases', { ...bodyOf('nowhere'), region: 'atlantis' })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([422]));
  });

  it('after the process died between commit and answer is answered from the record', async () => {
    const key = randomUUID();
    const first = await make('crash', key);
    await api.restart();
    const again = await make('crash', key);
    expect(again.text).toBe(first.text);
    await api.ended(first.body.operation.id);
  });

  it('is answered the same for everything that can be made', async () => {
    const requests: [string, unknown][] = [
      ['/v1/customers', { name: 'Twice', email: 'twice@example.com' }],
      [`/v1/customers/${customer.id}/api-keys`, { name: 'twice' }],
    ];
    for (const [path, body] of requests) {
      const headers = { 'idempotency-key': randomUUID() };
      const [first, second] = [await api.post(path, body, { headers }), await api.post(path, body, { headers })];
      expect(first.status).toBe(201);
      expect(second.text).toBe(first.text);
    }
  });
});

describe('a key', () => {
  it('that was used for one thing is refused for another of the same kind', async () => {
    const [one, other] = await Promise.all([api.database(customer.id), api.database(customer.id)]);
    const headers = { 'idempotency-key': randomUUID() };
    expect((await api.post(`/v1/databases/${one.id}/backups`, undefined, { headers })).status).toBe(202);
    expect((await api.post(`/v1/databases/${other.id}/backups`, undefined, { headers })).status).toBe(422);
  });

  it('with a removal means nothing', async () => {
    const { id } = await api.database(customer.id);
    const headers = { 'idempotency-key': randomUUID() };
    expect((await api.post(`/v1/customers/${customer.id}/api-keys`, { name: 'used' }, { headers })).status).toBe(201);
    const answer = await api.call('DELETE', `/v1/databases/${id}?withoutBackup=true`, { headers });
    expect(answer.status).toBe(202);
    await api.ended(answer.body.operation.id);
  });

  it('of several requests at once that are all refused is free for the next', async () => {
    const key = randomUUID();
    await api.query(`UPDATE hosts SET state = 'draining' WHERE id LIKE 'hst_europe-a%'`);
    const refused = await Promise.all(Array.from({ length: 12 }, () => make('crowd', key)));
    await api.query(`UPDATE hosts SET state = 'active'`);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    const answers = await Promise.all(Array.from({ length: 12 }, () => make('crowd', key)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    await api.ended(answers[0]!.body.operation.id);
  });

  it('answers again also while the server that was looked at does not answer', async () => {
    const { id } = await api.database(customer.id);
    const headers = { 'idempotency-key': randomUUID() };
    const first = await api.post(`/v1/databases/${id}/roles`, { name: 'reader', access: 'readOnly' }, { headers });
    expect(first.status).toBe(201);
    const { instances } = (await api.get(`/v1/databases/${id}`)).body as { instances: { id: string }[] };
    await api.stopWorker();
    for (const instance of instances) api.engine.crashInstance(instance.id);
    const again = await api.post(`/v1/databases/${id}/roles`, { name: 'reader', access: 'readOnly' }, { headers });
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect((await api.post(`/v1/databases/${id}/roles`, { name: 'writer', access: 'readWrite' })).status).toBe(503);
    await api.startWorker();
  });
});

describe('the record of an answer', () => {
  it('is sealed', async () => {
    const answer = await make('sealed', 'sealed-key');
    const [record] = await api.query<{ sealed_body: Buffer }>(`SELECT sealed_body FROM idempotency_records WHERE key = 'sealed-key'`);
    expect(record!.sealed_body.includes(answer.body.credentials.password as string)).toBe(false);
    expect(record!.sealed_body.includes('password')).toBe(false);
    await api.ended(answer.body.operation.id);
  });

  it('is gone after a day, and the key means another request then', async () => {
    const first = await api.post('/v1/customers', { name: 'Old', email: 'old@example.com' }, { headers: { 'idempotency-key': 'day-old' } });
    await api.query(`UPDATE idempotency_records SET created_at = now() - interval '24 hours 1 second' WHERE key = 'day-old'`);
    const second = await api.post('/v1/customers', { name: 'New', email: 'new@example.com' }, { headers: { 'idempotency-key': 'day-old' } });
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
    await api.query(`UPDATE idempotency_records SET created_at = now() - interval '24 hours 1 second' WHERE key = 'day-old'`);
    await api.part(Changes).forgetOld();
    expect(await api.query(`SELECT FROM idempotency_records WHERE key = 'day-old'`)).toEqual([]);
  });
});

describe('a new password', () => {
  it('is answered once it is valid, and the same to a repeated request', async () => {
    const { id } = await api.database(customer.id);
    const headers = { 'idempotency-key': randomUUID() };
    const held = api.engine.hold('setOwnerVerifier');
    const waiting = api.post(`/v1/databases/${id}/password`, undefined, { headers, key: customer.key });
    await held.reached;
    let answered = false;
    void waiting.then(() => { answered = true; });
    const repeated = api.post(`/v1/databases/${id}/password`, undefined, { headers, key: customer.key });
    await eventually(async () => (await api.query(`SELECT FROM operations WHERE kind = 'rotate-password' AND subject_id = $1`, [id])).length === 1);
    expect(answered).toBe(false);
    held.release();
    const [first, second] = await Promise.all([waiting, repeated]);
    expect(first.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect(Object.keys(first.body).sort()).toEqual(['password', 'pooledUri', 'readOnlyUri', 'uri', 'user']);
    expect(first.body.uri).toContain(first.body.password);
    expect(first.headers.get('cache-control')).toBe('no-store');
  });

  it('that cannot be set in time is a problem that may be retried, and comes with the retry', async () => {
    const { id } = await api.database(customer.id);
    await api.stopWorker();
    const headers = { 'idempotency-key': randomUUID() };
    const late = await api.post(`/v1/databases/${id}/password`, undefined, { headers });
    expect(late.body).toMatchObject({ status: 503, operation: expect.stringMatching(/^op_/) as string });
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    await api.startWorker();
    const answer = await eventually(async () => {
      const attempt = await api.post(`/v1/databases/${id}/password`, undefined, { headers });
      return attempt.status === 200 && attempt;
    }, 30_000);
    expect(answer.body.password).toBeTruthy();
  });
});
