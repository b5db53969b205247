import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listProblemTypes, type ProblemSlug, problemTypeOf } from '../../src/problems/problem-types.js';
import { type Answer, type CallOptions, startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let customer: { id: string; key: string };
let database: { id: string };

beforeAll(async () => {
  api = await startTestApi();
  customer = await api.customer();
  database = await api.database(customer.id, 'shop');
});
afterAll(() => api?.close());

/** Everything that a request could leave behind, but for the word that it was refused. */
const countRows = async (): Promise<unknown> => (await api.query(
  `SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM databases) AS databases, (SELECT count(*) FROM instances) AS instances,
          (SELECT count(*) FROM operations) AS operations, (SELECT count(*) FROM api_keys) AS keys,
          (SELECT count(*) FROM audit_events WHERE result = 'done') AS events, (SELECT count(*) FROM idempotency_records) AS records`))[0];

function expectProblem(answer: Answer, slug: ProblemSlug, fields?: readonly string[]): void {
  const { status, title } = problemTypeOf(slug);
  expect(answer.body, answer.text).toMatchObject({ type: `${api.url}/problems/${slug}`, title, status });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.body.instance).toContain(answer.headers.get('x-request-id'));
  expect(answer.body.detail).toBeTruthy();
  if (fields) expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
  if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  if (status === 503 || status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

const valid = { name: 'other', region: 'europe' };
const make = (body: unknown, options: CallOptions = {}): Promise<Answer> => api.post('/v1/databases', body, { headers: { 'idempotency-key': 'bad-input' }, ...options });
const makeWith = (changes: Record<string, unknown>): Promise<Answer> => make({ customerId: customer.id, ...valid, ...changes });
const latin1 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'latin1'));

const CASES: Record<string, [() => Promise<Answer>, ProblemSlug, string[]?]> = {
  'an unknown region': [() => makeWith({ region: 'atlantis' }), 'unknown-region', ['region']],
  'an unknown plan': [() => makeWith({ plan: 'gigantic' }), 'unknown-plan', ['plan']],
  'a locale that the servers do not have': [() => makeWith({ locale: 'tlh_QO.UTF-8' }), 'locale-not-available', ['locale']],
  'a locale of another encoding': [() => makeWith({ locale: 'de_DE' }), 'locale-not-available', ['locale']],
  'a locale of ICU that belongs to no language': [() => makeWith({ locale: 'xx-YY', provider: 'icu' }), 'locale-not-available', ['locale']],
  'a locale that is no name': [() => makeWith({ locale: `de'; DROP --`, provider: 'icu' }), 'locale-not-available', ['locale']],
  'a locale that begins as an option does': [() => makeWith({ locale: '--pgdata=/' }), 'locale-not-available', ['locale']],
  'a locale with a line break': [() => makeWith({ locale: 'C\nC' }), 'invalid-request', ['locale']],
  'an empty locale': [() => makeWith({ locale: '' }), 'invalid-request', ['locale']],
  'a provider that these servers do not have': [() => makeWith({ provider: 'builtin' }), 'locale-not-available', ['locale']],
  'an unknown provider': [() => makeWith({ provider: 'windows' }), 'invalid-request', ['provider']],
  'an unknown customer': [() => makeWith({ customerId: 'cus_01hzy3v7q8k2w5n9t4r6x1m0pa' }), 'customer-not-found', ['customerId']],
  'a malformed customer id': [() => makeWith({ customerId: 'nobody' }), 'customer-not-found', ['customerId']],
  'a name that is taken': [() => makeWith({ name: 'shop' }), 'name-taken', ['name']],
  'a name that is too long': [() => makeWith({ name: 'a'.repeat(41) }), 'invalid-name', ['name']],
  'a name that is not a slug': [() => makeWith({ name: 'My Shop' }), 'invalid-name', ['name']],
  'an empty name': [() => makeWith({ name: '' }), 'invalid-name', ['name']],
  'a name that begins with a digit': [() => makeWith({ name: '1shop' }), 'invalid-name', ['name']],
  'a name with a line break at its end': [() => makeWith({ name: 'shop2\n' }), 'invalid-name', ['name']],
  'a field that is missing': [() => make({ customerId: customer.id, name: 'other' }), 'invalid-request', ['region']],
  'a field of the wrong type': [() => makeWith({ region: 7 }), 'invalid-request', ['region']],
  'several faults': [() => make({ name: 'X', region: null }), 'invalid-request', ['customerId', 'name', 'region']],
  'an unknown field': [() => makeWith({ colour: 'green' }), 'unknown-field', ['colour']],
  'a field named __proto__': [() => make(undefined, { raw: `{"customerId":"${customer.id}","name":"other","region":"europe","__proto__":{"plan":"business"}}` }), 'unknown-field', ['__proto__']],
  'a body that is not JSON': [() => make(undefined, { raw: '{"name":' }), 'malformed-json'],
  'a body that is JSON, but no object': [() => make(undefined, { raw: '"shop"' }), 'malformed-json'],
  'an array in place of an object': [() => make([]), 'invalid-request', ['body']],
  'no body at all': [() => make(undefined), 'invalid-request', ['body']],
  'a body that is too large': [() => makeWith({ name: 'x'.repeat(70_000) }), 'body-too-large'],
  'a body of another media type': [() => make(undefined, { raw: 'name=shop', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 'unsupported-media-type'],
  'a body without a media type': [() => make(undefined, { raw: latin1('{}'), headers: { 'content-type': '' } }), 'unsupported-media-type'],
  'a body in another charset': [() => make(undefined, { raw: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } }), 'unsupported-media-type'],
  'a body that is nested beyond measure': [() => make(undefined, { raw: '['.repeat(30_000) + ']'.repeat(30_000) }), 'invalid-request'],
  'broken UTF-8': [() => make(undefined, { raw: latin1(`{"customerId":"${customer.id}","name":"shop\xff","region":"europe"}`) }), 'invalid-encoding'],
  'a NUL byte': [() => makeWith({ region: 'eur\0ope' }), 'invalid-encoding'],
  'a NUL byte in the name of a field': [() => makeWith({ 'colour\0': 1 }), 'invalid-encoding'],
  'half of a surrogate pair': [() => make(undefined, { raw: '{"name":"\\ud800"}' }), 'invalid-encoding'],
  'a malformed idempotency key': [() => make({ customerId: customer.id, ...valid }, { headers: { 'idempotency-key': 'two words' } }), 'invalid-header', ['Idempotency-Key']],
  'an idempotency key that is too long': [() => make({ customerId: customer.id, ...valid }, { headers: { 'idempotency-key': 'k'.repeat(256) } }), 'invalid-header', ['Idempotency-Key']],
  'a malformed e-mail address': [() => api.post('/v1/customers', { name: 'Ada', email: 'ada at example' }), 'invalid-email', ['email']],
  'an e-mail address that is too long': [() => api.post('/v1/customers', { name: 'Ada', email: `${'a'.repeat(250)}@example.com` }), 'invalid-email', ['email']],
  'a customer without a name': [() => api.post('/v1/customers', { name: ' ', email: 'ada@example.com' }), 'invalid-request', ['name']],
  'a name with control characters': [() => api.post('/v1/customers', { name: 'Ada\r\nBcc: all', email: 'ada@example.com' }), 'invalid-request', ['name']],
  'a name that is too long, however it is counted': [() => api.post('/v1/customers', { name: '😀'.repeat(201), email: 'ada@example.com' }), 'invalid-request', ['name']],
  'a malformed cursor': [() => api.get('/v1/databases?cursor=nowhere'), 'invalid-cursor', ['cursor']],
  'a cursor that is not canonical': [() => api.get(`/v1/databases?cursor=${Buffer.from('db_01').toString('base64url')}=`), 'invalid-cursor', ['cursor']],
  'a limit that is no number': [() => api.get('/v1/databases?limit=many'), 'invalid-request', ['limit']],
  'a limit of nothing': [() => api.get('/v1/databases?limit=0'), 'invalid-request', ['limit']],
  'a limit beyond the highest': [() => api.get('/v1/databases?limit=201'), 'invalid-request', ['limit']],
  'a limit given twice': [() => api.get('/v1/databases?limit=1&limit=2'), 'invalid-request', ['limit']],
  'an unknown state to filter by': [() => api.get('/v1/operations?state=lost'), 'invalid-request', ['state']],
  'a malformed database id': [() => api.get('/v1/databases/shop'), 'not-found'],
  'an unknown database id': [() => api.get('/v1/databases/db_01hzy3v7q8k2w5n9t4r6x1m0pa'), 'not-found'],
  'a malformed operation id': [() => api.get('/v1/operations/..'), 'not-found'],
  'a malformed id of a stream': [() => api.get('/v1/operations/op_1/events'), 'not-found'],
  'an id with a quote': [() => api.get(`/v1/databases/${encodeURIComponent(`db_' OR true --`)}`), 'not-found'],
  'an id with a NUL byte': [() => api.get('/v1/databases/db_%00'), 'invalid-encoding'],
  'an address that is not UTF-8': [() => api.get('/v1/databases/%ff'), 'invalid-encoding'],
  'an address that is cut off in an escape': [() => api.get('/v1/databases/%f'), 'invalid-encoding'],
  'an unknown address': [() => api.get('/v1/shops'), 'not-found'],
  'a method that the address does not take': [() => api.call('PATCH', `/v1/databases/${database.id}`, { body: {} }), 'method-not-allowed'],
  'a body where none is taken': [() => api.post(`/v1/databases/${database.id}/password`, { password: 'mine' }), 'unknown-field', ['password']],
  'a pause without a reason': [() => api.post(`/v1/databases/${database.id}/automation`, { paused: true }), 'invalid-request', ['reason']],
  'an API key that expires in the past': [() => api.post(`/v1/customers/${customer.id}/api-keys`, { name: 'late', expiresAt: '2001-01-01T00:00:00Z' }), 'invalid-request', ['expiresAt']],
  'an expiry that is no time': [() => api.post(`/v1/customers/${customer.id}/api-keys`, { name: 'late', expiresAt: 'tomorrow' }), 'invalid-request', ['expiresAt']],
  'no API key': [() => make({ customerId: customer.id, ...valid }, { key: null }), 'missing-api-key'],
  'an API key that nobody has': [() => make({ customerId: customer.id, ...valid }, { key: 'fh_customer_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }), 'invalid-api-key'],
  'another scheme of authorization': [() => api.get('/v1/databases', { key: null, headers: { authorization: 'Basic dXNlcjpwYXNz' } }), 'missing-api-key'],
  'an API key in the address': [() => api.get(`/v1/databases?access_token=${api.operatorKey}`, { key: null }), 'missing-api-key'],
  'an API key without the scope': [() => api.get('/v1/hosts', { key: customer.key }), 'forbidden'],
};

describe('bad input', () => {
  it.each(Object.entries(CASES))('is refused and leaves nothing behind: %s', async (_name, [send, slug, fields]) => {
    const before = await countRows();
    expectProblem(await send(), slug, fields);
    expect(await countRows()).toEqual(before);
    expect(await api.query('SELECT FROM alerts WHERE resolved_at IS NULL')).toEqual([]);
  });

  it.each(['Ünïcödé 😀', 'مرحبا', 'e\u0301', '\u202egnp.exe', '\uffff\u{10ffff}', '%00', "a'b\"c\\d", '__proto__', '😀'.repeat(100), '$(x)'])('is not a text in any letters that there are: %s', async (name) => {
    const { status, body } = await api.post('/v1/customers', { name, email: 'ada@example.com' });
    expect(status).toBe(201);
    expect((await api.get(`/v1/customers/${body.id}`)).body.name).toBe(name);
    expect((await api.post(`/v1/customers/${body.id}/api-keys`, { name })).body.name).toBe(name);
    const paused = await api.post(`/v1/databases/${database.id}/automation`, { paused: true, reason: name });
    expect(paused.body.automationReason).toBe(name);
    await api.post(`/v1/databases/${database.id}/automation`, { paused: false });
  });

  it('names the valid regions', async () => {
    const { body } = await makeWith({ region: 'atlantis' });
    expect(body.errors[0].message).toContain('europe, americas, asia-pacific, middle-east-and-northern-asia, oceania');
  });

  it('names the locales that there are', async () => {
    const { body } = await makeWith({ locale: 'en_GB.UTF-8' });
    expect(body.detail).toContain('the locale "en_GB.UTF-8" of the provider libc');
    expect(body.errors[0].message).toContain('libc: C, C.UTF-8, de_DE.UTF-8; with provider icu: language tags such as und, de-DE');
  });

  it('names the methods that an address takes', async () => {
    const { headers } = await api.call('PUT', '/v1/databases', { body: {} });
    expect(headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('refuses a region that is closed, one that has no room, and in production one that does not encrypt, before anything is made', async () => {
    const full = await startTestApi({ settings: { FREEHOLD_CLOSED_REGIONS: 'oceania', FREEHOLD_PRODUCTION: 'true' }, worker: false });
    const { id } = await full.customer();
    const closed = await full.post('/v1/databases', { customerId: id, name: 'shop', region: 'oceania' });
    expect(closed.body).toMatchObject({ status: 409, type: expect.stringContaining('/region-closed') as string });
    await full.query(`UPDATE hosts SET state = 'draining' WHERE id LIKE 'hst_europe-a%'`);
    const noRoom = await full.post('/v1/databases', { customerId: id, name: 'shop', region: 'europe' });
    expect(noRoom.body).toMatchObject({ status: 503, type: expect.stringContaining('/no-room') as string });
    expect(Number(noRoom.headers.get('retry-after'))).toBeGreaterThan(0);
    await full.query(`UPDATE hosts SET state = 'active', encrypted_at_rest = 'none'`);
    const plain = await full.post('/v1/databases', { customerId: id, name: 'shop', region: 'europe' });
    expect(plain.body).toMatchObject({ status: 503, type: expect.stringContaining('/no-room') as string, detail: expect.stringMatching(/do not encrypt.*FREEHOLD_PRODUCTION/) as string });
    expect(await full.query('SELECT id FROM databases UNION ALL SELECT id FROM operations UNION ALL SELECT id FROM instances')).toEqual([]);
    await full.close();
  });

  it('refuses a database beyond the quota', async () => {
    const small = await startTestApi({ settings: { FREEHOLD_DATABASES_PER_CUSTOMER: '1' }, worker: false });
    const { id } = await small.customer();
    expect((await small.post('/v1/databases', { customerId: id, ...valid })).status).toBe(202);
    const refused = await small.post('/v1/databases', { customerId: id, ...valid, name: 'second' });
    expect(refused.body).toMatchObject({ status: 409, type: expect.stringContaining('/quota-exceeded') as string });
    expect(await small.query('SELECT id FROM databases')).toHaveLength(1);
    await small.close();
  });

  it('refuses a change while another one runs, and names the operation in the way', async () => {
    const held = api.engine.hold('createPrimary');
    const { body: { database: made, operation } } = await makeWith({ name: 'busy' });
    await held.reached;
    const refused = await api.post(`/v1/databases/${made.id}/password`);
    expectProblem(refused, 'operation-in-progress');
    expect(refused.body.operation).toBe(operation.id);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    held.release();
    expect((await api.ended(operation.id)).state).toBe('succeeded');
  });

  it('answers a fault of its own without telling what is behind it', async () => {
    await api.query('ALTER TABLE alerts RENAME TO alerts_away');
    const answer = await api.get('/v1/alerts');
    await api.query('ALTER TABLE alerts_away RENAME TO alerts');
    expectProblem(answer, 'internal-error');
    expect(answer.text).not.toMatch(/relation|alerts_|SELECT|\.ts/);
  });

  it('survives a request that is not HTTP, and one that is never finished', async () => {
    const status = await new Promise((resolve) => {
      const broken = httpRequest(`${api.url}/v1/databases`, { method: 'POST', headers: { authorization: `Bearer ${api.operatorKey}`, 'content-type': 'application/json', 'content-length': '100' } });
      broken.on('error', () => resolve('cut'));
      broken.write('{"name"');
      broken.destroy();
    });
    expect(status).toBe('cut');
    expect((await api.get('/healthz')).status).toBe(200);
  });
});

describe('every problem type', () => {
  it.each([...listProblemTypes().keys()])('has a page of its own: %s', async (slug) => {
    const page = await api.get(`/problems/${slug}`, { key: null, headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain(slug);
    const json = await api.get(`/problems/${slug}`, { key: null, headers: { accept: 'application/json' } });
    expect(json.body).toEqual({ slug, ...problemTypeOf(slug as ProblemSlug) });
  });

  it('is answered with 404 if it does not exist', async () => {
    expectProblem(await api.get('/problems/constructor', { key: null }), 'not-found');
  });

  it('is thrown somewhere', () => {
    const sources = ['src/http/validation.ts', 'src/http/translate-error.ts', 'src/http/read-body.ts', 'src/databases/database-errors.ts', 'src/fleet/fleet-errors.ts']
      .map((path) => readFileSync(path, 'utf8')).join('\n');
    for (const slug of ['unknown-field', 'operation-in-progress', 'malformed-json', 'name-taken', 'unknown-region'] as const) expect(sources).toContain(`'${slug}'`);
  });
});
