import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../../src/telemetry/log.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

/** Every line that the API and the worker have logged, at the level that shows most. */
const lines: string[] = [];
const parsed = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
let api: TestApi;
let secrets: Map<string, string>;

beforeAll(async () => {
  api = await startTestApi({ log: openLog('trace', 'test', { write: (line) => lines.push(line) }) });
  secrets = new Map([['operator key', api.operatorKey], ['signup key', api.signupKey], ['master key', api.ground.settings.FREEHOLD_MASTER_KEY]]);
});
afterAll(() => api?.close());

/** What the metadata knows and nobody else may: verifiers, and the passwords of the instances' own roles. */
async function collectKept(): Promise<void> {
  const rows = await api.query<{ id: string; owner_verifier: string; sealed_secrets: Buffer }>('SELECT id, owner_verifier, sealed_secrets FROM databases');
  for (const { id, owner_verifier: verifier, sealed_secrets: sealed } of rows) {
    secrets.set(`verifier of ${id}`, verifier);
    const own = JSON.parse(api.ground.vault.unseal(sealed, id).toString()) as Record<string, string>;
    for (const [name, secret] of Object.entries(own)) secrets.set(`${name} password of ${id}`, secret);
  }
}

/** Sends a credential in every place where it does not belong. */
async function misplace(key: string): Promise<void> {
  const plain = { key: null };
  await api.get(`/v1/databases?apiKey=${key}`, plain);
  await api.get(`/v1/databases/${key}`);
  await api.get(`/v1/${key}`, plain);
  await api.get('/v1/databases', { ...plain, headers: { authorization: `Basic ${key}` } });
  await api.get('/v1/databases', { key: `${key}x` });
  await api.post('/v1/databases', { customerId: key, name: 'shop', region: 'europe' });
  await api.post('/v1/customers', { name: key, email: key, apiKey: key });
  await api.post('/v1/customers', undefined, { raw: `{"key": "${key}"` });
  await api.post('/v1/customers', { name: 'Eve', email: 'eve@example.com' }, { headers: { 'idempotency-key': key } });
  await api.get('/v1/regions', { headers: { 'x-request-id': key, 'last-event-id': key } });
}

describe('the logs', () => {
  it('hold no secret, whatever was done and whatever went wrong', async () => {
    const { body: customer } = await api.post('/v1/customers', { name: 'Ada', email: 'ada@example.com' }, { key: api.signupKey });
    const { body: apiKey } = await api.post(`/v1/customers/${customer.id}/api-keys`, { name: 'own' }, { key: api.signupKey });
    secrets.set('customer key', apiKey.key);
    const database = await api.database(customer.id);
    secrets.set('password', database.password);
    await collectKept();
    const rotated = await api.post(`/v1/databases/${database.id}/password`, undefined, { key: apiKey.key });
    secrets.set('rotated password', rotated.body.password);
    await collectKept();

    // What programs of the data plane say is taken into the log, and may repeat what they were told.
    const [first] = await api.query<{ owner_verifier: string }>('SELECT owner_verifier FROM databases');
    api.engine.fail('verify', { kind: 'permanent', message: `${rotated.body.uri} is refused, ${first!.owner_verifier} is not right`, times: Infinity });
    const failing = await api.post('/v1/databases', { customerId: customer.id, name: 'failing', region: 'europe' });
    secrets.set('password of what failed', failing.body.credentials.password);
    expect(await api.ended(failing.body.operation.id)).toMatchObject({ state: 'failed' });
    await collectKept();

    const { body: user } = await api.post('/v1/users', { email: 'ada@example.com', role: 'owner', customerId: customer.id });
    secrets.set('first password', user.password);
    await api.post('/v1/sessions', { email: 'ada@example.com', password: `${user.password}x` }, { key: null });
    const { body: session } = await api.post('/v1/sessions', { email: 'ada@example.com', password: user.password }, { key: null });
    const [kept] = await api.query<{ verifier: string }>('SELECT verifier FROM user_credentials');
    secrets.set('verifier of a user', kept!.verifier);

    for (const key of [session.token, api.operatorKey, apiKey.key, `fh_customer_${randomBytes(32).toString('base64url')}`]) {
      secrets.set(`misplaced ${key.slice(0, 8)} ${secrets.size}`, key);
      await misplace(key);
    }

    // A statement that fails carries its parameters, a verifier and sealed secrets among them.
    await api.query('ALTER TABLE databases RENAME COLUMN owner_verifier TO verifier');
    const broken = await api.post('/v1/databases', { customerId: customer.id, name: 'broken', region: 'europe' });
    expect(broken.status).toBe(500);
    await api.query('ALTER TABLE databases RENAME COLUMN verifier TO owner_verifier');

    const messages = new Set(parsed().map(({ msg }) => msg));
    for (const message of ['request answered', 'step taken', 'operation ended', 'request failed']) expect(messages).toContain(message);
    expect(secrets.size).toBeGreaterThan(12);
    const text = lines.join('');
    for (const [name, secret] of secrets) expect(text.includes(secret) || text.includes(encodeURIComponent(secret)), name).toBe(false);
    expect(text).not.toMatch(/SCRAM-SHA-256\$|PBKDF2-SHA512\$|fh_[a-z]+_[A-Za-z0-9_-]{20}/);
  });

  it('tie a request, its operation and its steps together by one id', async () => {
    api.engine.heal();
    const { id } = await api.customer();
    const headers = { 'x-request-id': 'log-test-0001' };
    const { body } = await api.post('/v1/databases', { customerId: id, name: 'traced', region: 'europe' }, { headers });
    await api.ended(body.operation.id);
    const own = parsed().filter(({ requestId }) => requestId === 'log-test-0001');
    expect(own.find(({ msg }) => msg === 'request answered')).toMatchObject({ method: 'POST', path: '/v1/databases', status: 202, actor: 'key_operator' });
    expect(own.filter(({ msg }) => msg === 'step taken').every(({ operationId }) => operationId === body.operation.id)).toBe(true);
    expect(own.find(({ msg }) => msg === 'operation ended')).toMatchObject({ operationId: body.operation.id, kind: 'provision', state: 'succeeded' });
  });
});
