import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RequestLimits } from '../../src/http/request-limits.js';
import { readApiCertificate } from '../../src/processes/api-certificate.js';
import { openLog } from '../../src/telemetry/log.js';
import { PublicAuthority } from '../support/public-authority.js';
import { faultsOfTls, scanTls } from '../support/scan-tls.js';
import { eventually, freePort } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

const folder = mkdtempSync(join(tmpdir(), 'freehold-hardening-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an API with a certificate', () => {
  let authority: PublicAuthority;
  let api: TestApi;
  const logged: string[] = [];
  const [certificatePath, keyPath] = [join(folder, 'chain.pem'), join(folder, 'key.pem')];
  const present = async (names: readonly string[], more = {}): Promise<void> => {
    const { chain, key } = await authority.issue(names, more);
    writeFileSync(certificatePath, chain);
    writeFileSync(keyPath, key);
  };

  /** Asks as a client that trusts the authority, and answers with the name that it was shown. */
  const ask = (path: string): Promise<{ status: number | undefined; name: string; headers: Record<string, unknown> }> => new Promise((resolve, reject) => {
    const url = new URL(api.url);
    const asking = request({ host: '127.0.0.1', port: url.port, path, ca: authority.root, servername: 'api.example.test', agent: false }, (response) => {
      const { subjectaltname } = (response.socket as unknown as { getPeerCertificate(): { subjectaltname: string } }).getPeerCertificate();
      response.resume().on('end', () => resolve({ status: response.statusCode, name: subjectaltname, headers: response.headers }));
    });
    asking.on('error', reject).end();
  });

  beforeAll(async () => {
    authority = await PublicAuthority.create('Hardening');
    await present(['api.example.test']);
    const log = openLog('info', 'test', { write: (line) => void logged.push(line) });
    api = await startTestApi({ worker: false, log, settings: { FREEHOLD_TLS_CERTIFICATE: certificatePath, FREEHOLD_TLS_KEY: keyPath } });
  });
  afterAll(() => api?.close());

  it('speaks TLS 1.2 and 1.3 alone, with strong ciphers and keys, and tells browsers to', async () => {
    const scan = await scanTls({ host: '127.0.0.1', port: Number(new URL(api.url).port) });
    expect(scan.protocols).toEqual(['TLSv1.2', 'TLSv1.3']);
    expect(faultsOfTls(scan)).toEqual([]);
    const { status, headers } = await ask('/v1/regions');
    expect([status, headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    await expect(fetch(`http://127.0.0.1:${new URL(api.url).port}/healthz`)).rejects.toThrow();
  });

  it('presents a renewed certificate without a restart, and the one before while the new one cannot be used', async () => {
    const before = await ask('/healthz');
    writeFileSync(keyPath, 'half');
    await eventually(() => logged.some((line) => line.includes('cannot be used') && line.includes('the key cannot be read')), 20_000);
    expect((await ask('/healthz')).name).toBe(before.name);
    await present(['api.example.test', 'renewed.example.test']);
    await eventually(async () => (await ask('/healthz')).name.includes('renewed.example.test'), 20_000);
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ['expired', () => present(['api.example.test'], { expired: true }), /the certificate expired at/],
    ['another\'s key', async () => { await present(['api.example.test']); writeFileSync(keyPath, (await authority.issue(['x.test'])).key); }, /the key does not match the certificate/],
    ['no certificate', async () => { await present(['api.example.test']); writeFileSync(certificatePath, 'nothing'); }, /the certificate cannot be read/],
  ])('does not start with files that it cannot present: %s', async (_what, prepare, message) => {
    await prepare();
    await expect(readApiCertificate({ FREEHOLD_TLS_CERTIFICATE: certificatePath, FREEHOLD_TLS_KEY: keyPath })).rejects.toThrow(message);
  });
});

describe('the scanner', () => {
  it('finds an old protocol, a weak cipher and a certificate that has expired', async () => {
    const { chain, key } = await (await PublicAuthority.create('Weak')).issue(['weak.test'], { expired: true });
    const server = createTlsServer({ cert: chain, key, minVersion: 'TLSv1', maxVersion: 'TLSv1.2', ciphers: 'ALL:@SECLEVEL=0' });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const faults = faultsOfTls(await scanTls({ host: '127.0.0.1', port }));
    server.close();
    expect(faults).toEqual(expect.arrayContaining(['it speaks TLSv1', 'it speaks TLSv1.1', 'it does not speak TLSv1.3', expect.stringContaining('expired')]));
    expect(faults.filter((fault) => fault.startsWith('it agrees to')).length).toBeGreaterThan(0);
  });
});

describe('an API behind a proxy, and pages of other origins', () => {
  let one: TestApi;
  let other: TestApi;

  beforeAll(async () => {
    const settings = { FREEHOLD_TRUSTED_PROXIES: '127.0.0.1', FREEHOLD_CORS_ORIGINS: 'https://console.example.test' };
    one = await startTestApi({ worker: false, settings, requestsPerSecond: 5, patience: { headersMs: 300, requestMs: 600, lookEveryMs: 50 } });
    other = await startTestApi({ worker: false, settings, requestsPerSecond: 5, redisUrl: one.ground.settings.REDIS_URL });
  });
  afterAll(async () => {
    await one?.close();
    await other?.close();
  });

  it('takes who the client is from the proxies that it is told of, and limits each for itself', async () => {
    const from = (address: string) => one.get('/v1/plans', { key: null, headers: { 'x-forwarded-for': address } });
    const answers = await Promise.all(Array.from({ length: 60 }, () => from('192.0.2.1')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect((await from('192.0.2.2')).status).toBe(200);
    expect((await one.get('/healthz', { key: null, headers: { 'x-forwarded-for': '192.0.2.1' } })).status).toBe(200);
    await one.get('/v1/hosts/hst_x', { key: (await one.customer()).key, headers: { 'x-forwarded-for': '192.0.2.9' } });
    expect(await one.query(`SELECT address FROM audit_events WHERE action = 'host.read'`)).toEqual([{ address: '192.0.2.9' }]);
  });

  it('counts what a client asks of all processes together', async () => {
    const from = (api: TestApi) => api.get('/v1/plans', { key: null, headers: { 'x-forwarded-for': '192.0.2.3' } });
    for (const each of [one, other]) await Promise.all(Array.from({ length: 30 }, () => from(each)));
    // So few more that neither has counted more than it lets through by itself.
    await eventually('each refuses what both have counted', async () => (await from(one)).status === 429 && (await from(other)).status === 429, 1_500, 100);
  });

  it('goes on counting for itself while Redis is away', async () => {
    const limits = new RequestLimits({ ...one.ground.settings, REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => limits.ofKeys.consume('key_x')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
    limits.onApplicationShutdown();
  });

  it('lets pages of the origins call that it is told of, and of no other', async () => {
    const ask = (origin: string, method = 'GET') => one.call(method, '/v1/regions', { key: null, headers: {
      origin, 'x-forwarded-for': '192.0.2.4', ...(method === 'OPTIONS' && { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }) } });
    const allowed = await ask('https://console.example.test');
    expect([allowed.headers.get('access-control-allow-origin'), allowed.headers.get('vary')]).toEqual(['https://console.example.test', expect.stringContaining('Origin')]);
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    const preflight = await ask('https://console.example.test', 'OPTIONS');
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, expect.stringContaining('Authorization')]);
    for (const origin of ['https://evil.example.test', 'https://console.example.test.evil.test', 'null']) {
      for (const method of ['GET', 'OPTIONS']) expect((await ask(origin, method)).headers.get('access-control-allow-origin')).not.toBe(origin);
    }
  });

  it.each([
    ['a head that comes byte by byte', 'GET /v1/plans HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n'],
    ['a body that comes byte by byte', 'POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n', '{'],
  ])('ends a request that is never finished: %s', async (_what, beginning, more) => {
    const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => { answer += chunk.toString(); });
    socket.on('error', () => undefined);
    socket.write(beginning);
    const drip = setInterval(() => socket.write(more), 20);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 (408|401) /);
    expect((await one.get('/healthz', { key: null })).status).toBe(200);
  });

  it('shows its documentation under a policy that lets no other origin in', async () => {
    const page = await one.get('/docs', { key: null, headers: { 'x-forwarded-for': '192.0.2.5' } });
    const policy = page.headers.get('content-security-policy')!;
    expect(page.status).toBe(200);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toMatch(/script-src[^;]*(unsafe|\*|https?:)/);
    expect(page.text).not.toMatch(/<script>[^<]/);
  });
});

describe('an answer to what goes wrong inside', () => {
  it('tells neither a stack nor a statement, whether a statement fails, a trigger does, or a stream before it begins', async () => {
    const api = await startTestApi({ worker: false });
    await api.query(`
      ALTER TABLE audit_events RENAME COLUMN actor TO actor_away;
      CREATE FUNCTION fail_here() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''SELECT secret FROM somewhere''; END';
      CREATE TRIGGER fail_here BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION fail_here()`);
    const broken = [
      await api.get('/v1/audit-events'), await api.get('/v1/audit-events/export'), await api.get('/v1/audit-events/export?format=csv'),
      await api.get('/v1/audit-events/verification'), await api.post('/v1/customers', { name: 'Ada', email: 'ada@example.com' }),
    ];
    // That a refusal cannot be written down is no reason to grant it.
    const refused = await api.get('/v1/hosts', { key: api.signupKey });
    await api.close();
    expect(broken.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500]);
    expect(refused.status).toBe(403);
    for (const { text, headers } of [...broken, refused]) {
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(text).not.toMatch(/SELECT|INSERT|relation|column|actor_away|\bat \S+ \(|\.[jt]s:\d|node_modules|QueryFailed/);
    }
  });
});
