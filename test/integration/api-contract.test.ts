import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvents } from '../support/event-stream.js';
import { opens } from '../support/fake-engine.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

/** The contract (`design.md`, part 4.2), resource by resource: the members that are promised, and what each may be. */

let api: TestApi;
let customer: { id: string; key: string };
let database: { id: string; operationId: string };

beforeAll(async () => {
  api = await startTestApi();
  customer = await api.customer();
  database = await api.database(customer.id, 'shop');
});
afterAll(() => api?.close());

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const text = (value: unknown): boolean => typeof value === 'string' && value !== '';
const number = (value: unknown): boolean => typeof value === 'number';
const flag = (value: unknown): boolean => typeof value === 'boolean';
const time = (value: unknown): boolean => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value));
const id = (prefix: string) => (value: unknown): boolean => typeof value === 'string' && new RegExp(`^${prefix}_[0-9a-z]{26}$`).test(value);
const one = (...values: string[]) => (value: unknown): boolean => values.includes(value as string);
const orNull = (check: (value: unknown) => boolean) => (value: unknown): boolean => value === null || check(value);
const object = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (shape: Shape) => (value: unknown): boolean => Array.isArray(value) && value.every((item) => faultsOf(item, shape).length === 0);
const shaped = (shape: Shape) => (value: unknown): boolean => faultsOf(value, shape).length === 0;
const texts = (value: unknown): boolean => Array.isArray(value) && value.every(text);

/** Every member that is missing, is not in the contract, or has another form; none if the document is right. */
function faultsOf(value: unknown, shape: Shape): string[] {
  if (!object(value)) return ['is not an object'];
  const document = value as Record<string, unknown>;
  return [
    ...Object.entries(shape).flatMap(([name, check]) => (name in document ? (check(document[name]) ? [] : [`${name} is ${JSON.stringify(document[name])}`]) : [`${name} is missing`])),
    ...Object.keys(document).filter((name) => !(name in shape)).map((name) => `${name} is not documented`),
  ];
}
const expectShape = (value: unknown, shape: Shape): void => expect(faultsOf(value, shape)).toEqual([]);

const INSTANCE: Shape = {
  id: id('ins'), role: one('primary', 'standby'), state: one('starting', 'running', 'fenced', 'lost', 'rebuilding'), host: text, dataCenter: text, address: text,
  port: orNull(number), lagBytes: orNull(number), lagSeconds: orNull(number),
};
const DATABASE: Shape = {
  id: id('db'), customerId: id('cus'), name: text, region: text, plan: one('starter', 'standard', 'business'),
  state: one('provisioning', 'available', 'degraded', 'failing-over', 'unavailable', 'restoring', 'deleting', 'deleted', 'failed'),
  automation: one('active', 'paused'), automationReason: orNull(text), postgresVersion: orNull(text), epoch: number, inSync: flag, observedAt: orNull(time), watched: flag,
  endpoint: shaped({ host: text, port: number, database: text, user: text, uri: text, pooledUri: text, readOnlyUri: text }), instances: listOf(INSTANCE), keptCopies: Array.isArray,
  locale: text, provider: text,
  storage: shaped({ usedBytes: orNull(number), limitBytes: number, state: one('ok', 'warning', 'readOnly', 'closed'), because: orNull(one('plan', 'host')) }),
  createdAt: time, deletedAt: orNull(time), purgeAt: orNull(time),
};
const STEP: Shape = {
  name: text, state: one('pending', 'running', 'succeeded', 'failed', 'skipped'), attempts: number, startedAt: orNull(time), finishedAt: orNull(time), detail: orNull(object),
};
const OPERATION: Shape = {
  id: id('op'), kind: text, databaseId: orNull(id('db')), state: one('pending', 'running', 'succeeded', 'failed', 'cancelled'), steps: listOf(STEP), error: orNull(object),
  requestedBy: text, createdAt: time, startedAt: orNull(time), finishedAt: orNull(time),
};
const CREDENTIALS: Shape = { user: text, password: text, uri: text, pooledUri: text, readOnlyUri: text };
const CUSTOMER: Shape = { id: id('cus'), name: text, email: text, createdAt: time };
const API_KEY: Shape = { id: id('key'), name: text, scopes: texts, createdAt: time, expiresAt: orNull(time), revokedAt: orNull(time), lastUsedAt: orNull(time) };
const HOST: Shape = {
  id: text, region: text, dataCenter: text, address: text, storageId: text, state: one('active', 'draining', 'lost'), memoryMb: number, promisedMb: number, instances: number,
  encryptedAtRest: one('fscrypt', 'none'),
};
const PAGE: Shape = { data: Array.isArray, nextCursor: orNull(text) };
const PROBLEM: Shape = { type: text, title: text, status: number, detail: text, instance: text };

describe('a database', () => {
  it('has the members of the contract, and no other', async () => {
    const { body } = await api.get(`/v1/databases/${database.id}`);
    expectShape(body, DATABASE);
    expect(body).toMatchObject({ customerId: customer.id, name: 'shop', region: 'europe', plan: 'starter', state: 'available', automation: 'active', epoch: 1, inSync: true, deletedAt: null, purgeAt: null });
    expect(body.instances.map(({ role }: { role: string }) => role).sort()).toEqual(['primary', 'standby']);
    expect(new Set(body.instances.map(({ dataCenter }: { dataCenter: string }) => dataCenter)).size).toBe(2);
    for (const uri of [body.endpoint.uri, body.endpoint.pooledUri, body.endpoint.readOnlyUri]) {
      expect(new URL(uri).password).toBe('');
      expect(new URL(uri).searchParams.get('sslmode')).toBe('verify-full');
      expect(new URL(uri).pathname).toBe('/shop');
    }
    expect(body.endpoint).toMatchObject({ database: 'shop', user: 'shop', port: Number(new URL(body.endpoint.uri).port) });
    expect(new Set([body.endpoint.uri, body.endpoint.pooledUri, body.endpoint.readOnlyUri].map((uri) => new URL(uri).port)).size).toBe(3);
  });

  it('is asked for with 202, a database, an operation and credentials, whose password is in the addresses', async () => {
    const { status, body } = await api.post('/v1/databases', { customerId: customer.id, name: 'asked', region: 'oceania', plan: 'business' });
    expect(status).toBe(202);
    expectShape(body, { database: shaped(DATABASE), operation: shaped(OPERATION), credentials: shaped(CREDENTIALS) });
    expect(body.database).toMatchObject({ state: 'provisioning', inSync: false });
    expect(body.operation).toMatchObject({ kind: 'provision', databaseId: body.database.id, state: 'pending', error: null, startedAt: null, finishedAt: null });
    for (const uri of [body.credentials.uri, body.credentials.pooledUri, body.credentials.readOnlyUri]) expect(new URL(uri).password).toBe(body.credentials.password);
    expect(body.credentials.user).toBe(body.database.endpoint.user);
    await api.ended(body.operation.id);
  });

  it('is listed newest first', async () => {
    const { body } = await api.get('/v1/databases');
    expectShape(body, { data: listOf(DATABASE), nextCursor: orNull(text) });
    expect(body.data.map(({ id: own }: { id: string }) => own)).toEqual([...body.data.map(({ id: own }: { id: string }) => own)].sort().reverse());
    expect((await api.get('/v1/databases?region=oceania')).body.data.map(({ region }: { region: string }) => region)).toEqual(['oceania']);
  });

  it('gets a new password, by which nothing but the credentials is answered', async () => {
    const { status, body } = await api.post(`/v1/databases/${database.id}/password`, undefined, { key: customer.key });
    expect(status).toBe(200);
    expectShape(body, CREDENTIALS);
  });

  it('is paused with a reason, and shows it', async () => {
    const paused = await api.post(`/v1/databases/${database.id}/automation`, { paused: true, reason: 'a look at it' });
    expect(paused.status).toBe(200);
    expectShape(paused.body, DATABASE);
    expect(paused.body).toMatchObject({ automation: 'paused', automationReason: 'a look at it' });
    await api.post(`/v1/databases/${database.id}/automation`, { paused: false });
  });

  it('is switched over and failed over with 202 and an operation', async () => {
    for (const [verb, body] of [['switchover', undefined], ['failover', { acceptDataLoss: false }]] as const) {
      const answer = await api.post(`/v1/databases/${database.id}/${verb}`, body);
      expect(answer.status).toBe(202);
      expectShape(answer.body.operation, OPERATION);
      expect(answer.body.operation).toMatchObject({ kind: verb, databaseId: database.id });
      expect(await api.ended(answer.body.operation.id)).toMatchObject({ state: 'succeeded' });
    }
    expect((await api.get(`/v1/databases/${database.id}`)).body.epoch).toBe(3);
  });

  it('is deleted with 202, a repeated request answers the same, and it can be read until it is purged', async () => {
    const doomed = await api.database(customer.id, 'doomed');
    const [first, second] = [await api.call('DELETE', `/v1/databases/${doomed.id}?withoutBackup=true`), await api.call('DELETE', `/v1/databases/${doomed.id}`)];
    expect([first.status, second.status]).toEqual([202, 202]);
    expectShape(first.body, { database: shaped(DATABASE), operation: shaped(OPERATION) });
    expect(second.body.operation.id).toBe(first.body.operation.id);
    await api.ended(first.body.operation.id);
    const { status, body } = await api.get(`/v1/databases/${doomed.id}`);
    expect(status).toBe(200);
    expectShape(body, DATABASE);
    expect(body).toMatchObject({ state: 'deleted', instances: [] });
    expect(Date.parse(body.purgeAt) - Date.parse(body.deletedAt)).toBe(7 * 86_400_000);
    await api.query('UPDATE databases SET purge_at = now() WHERE id = $1', [doomed.id]);
    expect((await api.get(`/v1/databases/${doomed.id}`)).status).toBe(404);
  });
});

describe('what clients of a database are refused for', () => {
  it('is told to those who may see the database, the most frequent first', async () => {
    api.engine.refusals.set('europe', [
      { databaseId: database.id, reason: 'first-bytes', count: 1 }, { databaseId: database.id, reason: 'source-limit', count: 3 }, { databaseId: 'db_other', reason: 'allow-list', count: 9 },
    ]);
    const { body } = await api.get(`/v1/databases/${database.id}/refusals`, { key: customer.key });
    const last = { at: '2026-11-29T10:00:00Z', source: '192.0.2.7' };
    expect(body).toEqual({ since: '2026-11-29T00:00:00.000Z', data: [{ reason: 'source-limit', count: 3, last }, { reason: 'first-bytes', count: 1, last }], nextCursor: null });
    api.engine.refusals.clear();
  });
});

describe('the extensions of a database', () => {
  const EXTENSION: Shape = {
    name: text, version: text, description: text, access: one('owner', 'request', 'refused', 'present'), why: text, requires: texts,
    installed: orNull(shaped({ version: text, schema: text, by: one('freehold', 'owner') })),
  };
  const path = () => `/v1/databases/${database.id}/extensions`;
  const installed = async (): Promise<string[]> => {
    const { body } = await api.get(path(), { key: customer.key });
    expectShape(body, { data: listOf(EXTENSION), nextCursor: (value) => value === null });
    return (body.data as { name: string; installed: unknown }[]).filter((extension) => extension.installed !== null).map(({ name }) => name);
  };

  it('are listed with who may make them, and why not', async () => {
    const { body } = await api.get(path());
    const access = Object.fromEntries((body.data as { name: string; access: string }[]).map((extension) => [extension.name, extension.access]));
    expect(access).toEqual({ earthdistance: 'request', hstore: 'owner', plpgsql: 'present', postgis: 'refused', postgres_fdw: 'refused' });
  });

  it('are made and taken away by the customer, with 202 and an operation, again without harm', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await api.post(path(), { name: 'earthdistance' }, { key: customer.key });
      expect(status).toBe(202);
      expectShape(body.operation, OPERATION);
      expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'create-extension', state: 'succeeded' });
      expect(await installed()).toEqual(['earthdistance', 'plpgsql']);
    }
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await api.call('DELETE', `${path()}/earthdistance`, { key: customer.key });
      expect(status).toBe(202);
      expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'drop-extension', state: 'succeeded' });
      expect(await installed()).toEqual(['plpgsql']);
    }
    expect((await api.get('/v1/audit-events')).body.data.slice(0, 4).map(({ action }: { action: string }) => action)).toEqual(['extension.drop', 'extension.drop', 'extension.create', 'extension.create']);
  });

  it('are refused with the reason, and leave nothing when they fail', async () => {
    const refused = await api.post(path(), { name: 'postgres_fdw' }, { key: customer.key });
    expect(refused).toMatchObject({ status: 422, body: { type: expect.stringMatching(/extension-refused$/) as string, detail: expect.stringContaining('other customers') as string } });
    expect((await api.call('DELETE', `${path()}/plpgsql`, { key: customer.key })).status).toBe(422);
    for (const body of [{ name: 'x"; --' }, { name: 'tcn', schema: 'pg_catalog' }, { name: 'tcn', schema: '' }, {}]) expect((await api.post(path(), body)).status).toBe(400);
    expect((await api.post(path(), { name: 'tcn' }, { key: api.signupKey })).status).toBe(403);
    const unknown = await api.post(path(), { name: 'nowhere' });
    expect(await api.ended(unknown.body.operation.id)).toMatchObject({ state: 'failed', error: { reason: 'the server has no extension "nowhere"', left: 'nothing' } });
  });
});

describe('two passwords side by side', () => {
  it('go with two users until the older one ends by itself, also if nobody was there at that moment', async () => {
    const path = `/v1/databases/${database.id}/password`;
    const { endpoint } = (await api.get(`/v1/databases/${database.id}`)).body;
    for (const overlapHours of [-1, 24.5, 'long', null]) expect((await api.post(path, { overlapHours }, { key: customer.key })).status).toBe(400);
    const once = { key: customer.key, headers: { 'idempotency-key': randomUUID() } };
    const { status, body } = await api.post(path, { overlapHours: 24 }, once);
    expect(status).toBe(200);
    expectShape(body, CREDENTIALS);
    expect(body).toMatchObject({ user: `${endpoint.user}_login_a`, uri: expect.stringContaining(`//${endpoint.user}_login_a:${body.password}@`) as string });
    expect((await api.post(path, { overlapHours: 24 }, once)).body).toEqual(body);
    const primary = () => [...api.engine.made.values()].find(({ ref, role }) => ref.database.id === database.id && role === 'primary')!;
    const record = async () => (await api.query<{ owner_until: Date | null; owner_verifier: string; owner_logins: { verifier: string }[] }>(`SELECT owner_until, owner_verifier, owner_logins FROM databases WHERE id = '${database.id}'`))[0]!;
    const during = await record();
    expect(during.owner_until!.getTime() - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(primary().ownerVerifier).toBe(during.owner_verifier);
    await api.query(`UPDATE databases SET owner_until = now() - interval '3 days' WHERE id = '${database.id}'`);
    await expect.poll(async () => (await record()).owner_until, { timeout: 15_000 }).toBeNull();
    await expect.poll(() => primary().ownerVerifier).toBe(during.owner_logins[0]!.verifier);
    expect(await record()).toMatchObject({ owner_verifier: during.owner_logins[0]!.verifier, owner_logins: during.owner_logins });
    // The keeper's operation may still be telling the endpoint.
    await expect.poll(async () => (await api.post(path, undefined, { key: customer.key })).body.user).toBe(endpoint.user);
    expect((await record()).owner_logins).toEqual([]);
    expect((await api.post(`/v1/databases/${database.id}/roles`, { name: `${endpoint.user}_login_b`, access: 'readOnly' })).status).toBe(400);
  });
});

describe('the allow-list of a database', () => {
  const path = () => `/v1/databases/${database.id}/allow-list`;
  const put = (cidrs: unknown, key = customer.key, headers = {}) => api.call('PUT', path(), { key, body: { cidrs }, headers });
  const enforced = () => api.engine.routes.get(database.id)!.database.allowList;

  it('lets everybody come at first, and is in force once another one is answered', async () => {
    expect((await api.get(path(), { key: customer.key })).body).toEqual({ cidrs: ['0.0.0.0/0', '::/0'] });
    const once = { 'idempotency-key': randomUUID() };
    const set = await put(['192.0.2.7', '::ffff:10.0.0.0/104', '2001:DB8::/32', '10.0.0.0/8'], customer.key, once);
    expect(set).toMatchObject({ status: 200, body: { cidrs: ['192.0.2.7/32', '10.0.0.0/8', '2001:db8::/32'] } });
    expect(enforced()).toEqual(set.body.cidrs);
    expect((await api.get(path(), { key: customer.key })).body).toEqual(set.body);
    expect(await put(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32'], customer.key, once)).toMatchObject({ status: 200, body: set.body });
    expect((await api.get('/v1/audit-events')).body.data[0]).toMatchObject({ action: 'allow-list.set', result: 'done', detail: set.body });
    expect((await put([])).body).toEqual({ cidrs: [] });
    expect(enforced()).toEqual([]);
  });

  it('names the networks that are none, and is the owner\'s to write', async () => {
    const { status, body } = await put(['10.0.0.0/8', '192.0.2.7/24', 'nowhere']);
    expect({ status, fields: body.errors.map(({ field }: { field: string }) => field) }).toEqual({ status: 400, fields: ['cidrs.1', 'cidrs.2'] });
    expect(body.errors[0].message).toContain('write 192.0.2.0/24');
    for (const bad of [undefined, null, '10.0.0.0/8', [1], Array.from({ length: 201 }, (_, n) => `10.0.${n}.0/24`)]) expect((await put(bad)).status, JSON.stringify(bad)).toBe(400);
    expect((await put([], api.signupKey)).status).toBe(403);
    expect((await put([], (await api.customer()).key)).status).toBe(404);
    expect((await api.get(path(), { key: (await api.customer()).key })).status).toBe(404);
  });

  it('is told to the endpoint later where a failover came between the record and the endpoint', async () => {
    const held = api.engine.hold('restrict');
    const setting = put(['198.51.100.0/24']);
    await held.reached;
    const { body: { operation } } = await api.post(`/v1/databases/${database.id}/failover`, {});
    held.release();
    expect((await setting).status).toBeGreaterThanOrEqual(400);
    await api.ended(operation.id);
    await expect.poll(async () => {
      const [row] = await api.query<{ allow_list_enforced: boolean }>(`SELECT allow_list_enforced FROM databases WHERE id = '${database.id}'`);
      return { told: row!.allow_list_enforced, list: enforced() };
    }, { timeout: 15_000 }).toEqual({ told: true, list: ['198.51.100.0/24'] });
    await put(['0.0.0.0/0', '::/0']);
  });
});

describe('the roles of a database', () => {
  const path = () => `/v1/databases/${database.id}/roles`;
  const listed = async (): Promise<unknown> => {
    const { body } = await api.get(path(), { key: customer.key });
    expectShape(body, { data: listOf({ name: text, access: one('readOnly', 'readWrite') }), nextCursor: (value) => value === null });
    return body.data;
  };

  it('are made with credentials that are answered once they work, again under the same idempotency key', async () => {
    const once = { key: customer.key, headers: { 'idempotency-key': randomUUID() } };
    const made = await api.post(path(), { name: 'reporting', access: 'readOnly' }, once);
    expect(made.status).toBe(201);
    expectShape(made.body, CREDENTIALS);
    expect(made.body.user).toBe('reporting');
    expect(made.body.uri).toMatch(/^postgresql:\/\/reporting:[\w-]{32}@/);
    expect(await listed()).toEqual([{ name: 'reporting', access: 'readOnly' }]);
    expect(await api.post(path(), { name: 'reporting', access: 'readOnly' }, once)).toMatchObject({ status: 201, body: made.body });
    expect(verifies(made.body.password, 'reporting')).toBe(true);
    const rotated = await api.post(`${path()}/reporting/password`, undefined, { key: customer.key });
    expect(rotated.status).toBe(200);
    expectShape(rotated.body, CREDENTIALS);
    expect([made.body.password, rotated.body.password].map((password: string) => verifies(password, 'reporting'))).toEqual([false, true]);
    const kept = await api.query<{ kept: string }>(`SELECT (SELECT string_agg(o::text, '') FROM operations o) || (SELECT string_agg(e::text, '') FROM audit_events e) AS kept`);
    expect(kept[0]!.kept).not.toContain(rotated.body.password);
  });

  it('are removed with 202 and an operation, again without harm, and are in the audit', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await api.call('DELETE', `${path()}/reporting`, { key: customer.key });
      expect(status).toBe(202);
      expectShape(body.operation, OPERATION);
      expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'drop-role', state: 'succeeded' });
      expect(await listed()).toEqual([]);
    }
    expect((await api.get('/v1/audit-events')).body.data.slice(0, 4).map(({ action }: { action: string }) => action)).toEqual(['role.drop', 'role.drop', 'role.rotate-password', 'role.create']);
  });

  it('are refused under a name that is taken or reserved, to strangers, and beyond as many as may be', async () => {
    const make = (name: unknown, access: unknown = 'readWrite', key = customer.key) => api.post(path(), { name, access }, { key });
    const { endpoint } = (await api.get(`/v1/databases/${database.id}`)).body;
    for (const name of ['freehold', 'freehold_dump', 'pg_monitor', 'postgres', 'public', 'none', 'Upper', 'with-hyphen', 'x'.repeat(41), '', 1]) expect((await make(name)).status, String(name)).toBe(400);
    expect((await make('writer', 'all')).status).toBe(400);
    expect((await make('writer', 'readWrite', api.signupKey)).status).toBe(403);
    expect((await make('writer', 'readWrite', (await api.customer()).key)).status).toBe(404);
    expect(await make(endpoint.user)).toMatchObject({ status: 409, body: { type: expect.stringMatching(/role-taken$/) as string } });
    expect((await api.call('DELETE', `${path()}/${endpoint.user}`)).status).toBe(404);
    expect((await api.post(`${path()}/nobody/password`)).status).toBe(404);
    for (let number = 1; number <= 20; number += 1) expect((await make(`role_${number}`)).status).toBe(201);
    expect(await make('role_1')).toMatchObject({ status: 409, body: { type: expect.stringMatching(/role-taken$/) as string } });
    expect(await make('role_21')).toMatchObject({ status: 409, body: { type: expect.stringMatching(/too-many-roles$/) as string } });
  });

  it('are not answered before they work', async () => {
    api.engine.fail('setRole', { kind: 'permanent', message: 'the server refuses it' });
    const failed = await api.post(`${path()}/role_1/password`);
    expect(failed).toMatchObject({ status: 500, body: { type: expect.stringMatching(/operation-failed$/) as string, detail: 'the server refuses it' } });
  });

  function verifies(password: string, role: string): boolean {
    const { verifier } = api.engine.roles.get(database.id)!.get(role)!;
    return opens(verifier, password);
  }
});

describe('an operation', () => {
  it('has the members of the contract, and its events are the same documents, with an end', async () => {
    const { body } = await api.get(`/v1/operations/${database.operationId}`);
    expectShape(body, OPERATION);
    expect(body).toMatchObject({ kind: 'provision', databaseId: database.id, state: 'succeeded', error: null });
    const response = await fetch(`${api.url}/v1/operations/${database.operationId}/events`, { headers: { authorization: `Bearer ${api.operatorKey}` } });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = await readEvents(response);
    expect(events.at(-1)).toMatchObject({ event: 'end' });
    const steps = events.slice(0, -1);
    expect(steps.length).toBeGreaterThan(body.steps.length);
    for (const { event, id: number_, data } of steps) {
      expect([event, /^\d+$/.test(number_ ?? '')]).toEqual(['step', true]);
      expectShape(JSON.parse(data!), OPERATION);
    }
    expect(JSON.parse(events.at(-1)!.data!)).toEqual(body);
  });

  it('is listed, retried and cancelled by an operator', async () => {
    expectShape((await api.get('/v1/operations')).body, { data: listOf(OPERATION), nextCursor: orNull(text) });
    await api.stopWorker();
    const { body: made } = await api.post('/v1/databases', { customerId: customer.id, name: 'steered', region: 'europe' });
    const cancelled = await api.post(`/v1/operations/${made.operation.id}/cancel`);
    expect(cancelled.status).toBe(202);
    expectShape(cancelled.body, { operation: shaped(OPERATION) });
    expect(cancelled.body.operation.state).toBe('cancelled');
    const refused = await api.post(`/v1/operations/${made.operation.id}/retry`);
    expect(refused.status).toBe(409);
    expectShape(refused.body, PROBLEM);
    await api.startWorker();
  });
});

describe('customers, their keys, and what is public', () => {
  it('are shaped as the contract says', async () => {
    const made = await api.post('/v1/customers', { name: 'Bob', email: 'bob@example.com' }, { key: api.signupKey, headers: { 'idempotency-key': randomUUID() } });
    expect(made.status).toBe(201);
    expectShape(made.body, CUSTOMER);
    expectShape((await api.get(`/v1/customers/${made.body.id}`)).body, CUSTOMER);
    expectShape((await api.get('/v1/customers')).body, { data: listOf(CUSTOMER), nextCursor: orNull(text) });
    const key = await api.post(`/v1/customers/${made.body.id}/api-keys`, { name: 'deploy' });
    expect(key.status).toBe(201);
    expectShape(key.body, { ...API_KEY, key: (value) => typeof value === 'string' && /^fh_customer_[A-Za-z0-9_-]{43}$/.test(value) });
    expect(key.body.scopes).toEqual([`customer:${made.body.id}`]);
    expectShape((await api.get(`/v1/customers/${made.body.id}/api-keys`)).body, { data: listOf(API_KEY), nextCursor: orNull(text) });
    expect((await api.call('DELETE', `/v1/customers/${made.body.id}/api-keys/${key.body.id}`)).status).toBe(204);
  });

  it('such as regions, plans and certificates need no key', async () => {
    const open = { key: null };
    const site: Shape = { id: text, name: text, country: text, dataCenter: text, kind: one('live', 'frozen') };
    const region: Shape = { id: text, name: text, timeZone: text, open: flag, dataCenters: listOf({ id: text, name: text }), backupSites: listOf(site) };
    expectShape((await api.get('/v1/regions', open)).body, { data: listOf(region), nextCursor: orNull(text) });
    const plan: Shape = { id: text, name: text, standbys: number, memoryMb: number, maxConnections: number, pooledConnections: number, pooledClients: number, diskGb: number, databasesPerCustomer: number };
    expectShape((await api.get('/v1/plans', open)).body, { data: listOf(plan), nextCursor: orNull(text) });
    const certificate = await api.get('/v1/regions/europe/ca.pem', open);
    expect([certificate.status, certificate.headers.get('content-type')]).toEqual([200, expect.stringContaining('application/x-pem-file')]);
    expect(certificate.text).toContain('-----BEGIN CERTIFICATE-----');
    expect((await api.get('/v1/regions/atlantis/ca.pem', open)).status).toBe(404);
    expectShape((await api.get('/healthz', open)).body, { status: one('alive') });
    expectShape((await api.get('/readyz', open)).body, { status: one('ready'), recovered: flag, checks: shaped({ metadata: flag, redis: flag, queues: flag }) });
    expect((await api.get('/metrics', open)).text).toMatch(/^freehold_databases\{state="available"\} \d+$/m);
  });
});

describe('what operators see', () => {
  it('are hosts, and what would move from them', async () => {
    const { body } = await api.get('/v1/hosts');
    expectShape(body, { data: listOf(HOST), nextCursor: orNull(text) });
    const [host] = body.data;
    expectShape((await api.get(`/v1/hosts/${host.id}`)).body, HOST);
    const move: Shape = { databaseId: id('db'), instanceId: id('ins'), hostId: text, role: one('primary', 'standby'), by: one('switchover', 'failover', 'restore', 'relocate'), mayLose: one('nothing', 'not-received', 'not-archived'), to: orNull(text), source: orNull(object) };
    const plan: Shape = { hosts: texts, primaries: number, standbys: number, restores: number, moves: listOf(move) };
    for (const path of [`/v1/hosts/${host.id}/drain`, `/v1/hosts/${host.id}/lost`, `/v1/data-centers/${host.dataCenter}/evacuate`, `/v1/data-centers/${host.dataCenter}/lost`]) {
      const planned = await api.post(`${path}?plan=true`);
      expect(planned.status).toBe(200);
      expectShape(planned.body, { plan: shaped(plan) });
    }
    expect((await api.get(`/v1/hosts/${host.id}`)).body.state).toBe('active');
  });

  it('are alerts, open ones first, and who did what', async () => {
    await api.query(`INSERT INTO alerts (id, key, kind, severity, message, advice) VALUES ('alt_01hzy3v7q8k2w5n9t4r6x1m0pa', 'contract', 'test', 'warning', 'a message', 'an advice')`);
    const alert: Shape = {
      id: id('alt'), kind: text, severity: one('warning', 'critical'), subjectId: orNull(text), operationId: orNull(text), message: text, action: one('required', 'none'), advice: text, state: one('open', 'resolved'),
      openedAt: time, resolvedAt: orNull(time),
    };
    const alerts = (await api.get('/v1/alerts')).body;
    expectShape(alerts, { data: listOf(alert), nextCursor: orNull(text) });
    expect(alerts.data.length).toBeGreaterThan(0);
    const event: Shape = {
      id: id('aud'), at: time, actor: text, action: text, result: one('done', 'refused'), subjectId: orNull(text), customerId: orNull(id('cus')),
      operationId: orNull(id('op')), requestId: orNull(text), address: orNull(text), detail: object, sequence: orNull(number), hash: orNull(text),
    };
    for (const key of [api.operatorKey, customer.key]) {
      const events = (await api.get('/v1/audit-events', { key })).body;
      expectShape(events, { data: listOf(event), nextCursor: orNull(text) });
      expect(events.data.length).toBeGreaterThan(0);
    }
  });
});

describe('a problem', () => {
  it('is an RFC 9457 document with a stable type that has a page, and the fields at fault', async () => {
    const answer = await api.post('/v1/databases', { customerId: customer.id, name: 'NO', region: 'europe', size: 3 });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expectShape(answer.body, { ...PROBLEM, errors: listOf({ field: text, message: text }) });
    expect(answer.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(['name', 'size']);
    expect((await fetch(answer.body.type.replace(/^https?:\/\/[^/]+/, api.url))).status).toBe(200);
  });

  it('is a conflict that names the operation in the way', async () => {
    const held = api.engine.hold('pause');
    const running = await api.post(`/v1/databases/${database.id}/switchover`);
    await held.reached;
    const refused = await api.post(`/v1/databases/${database.id}/password`);
    expect(refused.status).toBe(409);
    expectShape(refused.body, { ...PROBLEM, operation: id('op') });
    expect(refused.body.operation).toBe(running.body.operation.id);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    held.release();
    await api.ended(running.body.operation.id);
  });

  it('is a page of a list like any other where there is nothing', async () => {
    const stranger = await api.customer();
    expect((await api.get('/v1/databases', { key: stranger.key })).body).toEqual({ data: [], nextCursor: null });
    expectShape((await api.get('/v1/databases', { key: stranger.key })).body, PAGE);
  });
});
