import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../../src/telemetry/log.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { buildCommand } from '../support/freehold-command.js';
import { eventually } from '../support/servers.js';
import { ApiProcess, RedisGate } from '../support/api-process.js';

const TIMEOUT_MS = 120_000;
const keys = { operator: `fh_operator_${randomBytes(32).toString('base64url')}`, signup: `fh_signup_${randomBytes(32).toString('base64url')}` };
const workerLog: string[] = [];

let plane: TestControlPlane;
let gate: RedisGate;
let api: ApiProcess;

beforeAll(async () => {
  await buildCommand();
  plane = await startControlPlane({ log: openLog('trace', 'worker', { write: (line) => workerLog.push(line) }) });
  gate = await RedisGate.open(plane.redis);
  api = await ApiProcess.start(plane.settings, keys, gate.url);
}, TIMEOUT_MS);
afterAll(async () => {
  await api?.end('SIGTERM');
  gate?.close();
  await plane?.stop();
}, TIMEOUT_MS);

interface Answer {
  readonly status: number;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${api.url}${path}`, {
    method, headers: { authorization: `Bearer ${keys.operator}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }), signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as unknown };
}

const query = <Row>(statement: string, parameters: unknown[] = []): Promise<Row[]> => plane.app.get(Metadata).dataSource.query(statement, parameters);

describe('an API that is killed after the commit and before it wakes a worker', () => {
  it('has lost nothing: the sweeper finds what it recorded, and the repeated request is answered as the first would have been', async () => {
    const { body: customer } = await call('POST', '/v1/customers', { name: 'Ada', email: 'ada@example.com' });
    const order = { customerId: customer.id as string, name: 'shop', region: 'europe' };
    const headers = { 'idempotency-key': randomUUID() };

    const announcing = gate.swallowNext();
    const lost = call('POST', '/v1/databases', order, headers).catch((error: unknown) => error);
    await announcing;
    await api.end('SIGKILL');
    expect(await lost).toBeInstanceOf(Error);

    // Nobody but the sweeper knows of it.
    const [operation] = await query<{ id: string }>(`SELECT id FROM operations WHERE kind = 'provision'`);
    await eventually(async () => (await query<{ state: string }>('SELECT state FROM operations WHERE id = $1', [operation!.id]))[0]!.state === 'succeeded', 60_000);

    gate.close();
    gate = await RedisGate.open(plane.redis);
    api = await ApiProcess.start(plane.settings, keys, gate.url);
    const repeated = await call('POST', '/v1/databases', order, headers);
    expect(repeated).toMatchObject({ status: 202, body: { operation: { id: operation!.id } } });
    expect(await query('SELECT FROM databases')).toHaveLength(1);
    expect((await call('GET', `/v1/databases/${repeated.body.database.id}`)).body).toMatchObject({ state: 'available', inSync: true });
    const client = new pg.Client({ connectionString: repeated.body.credentials.uri });
    await client.connect();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  }, TIMEOUT_MS);

  it('has written no secret into the log, nor has the worker, on the real data plane', async () => {
    const [database] = await query<{ id: string; owner_verifier: string }>('SELECT id, owner_verifier FROM databases');
    const rotated = await call('POST', `/v1/databases/${database!.id}/password`);
    expect(rotated.status).toBe(200);
    const verifiers = await query<{ owner_verifier: string }>('SELECT owner_verifier FROM databases');
    const text = api.log + workerLog.join('');
    expect(text).toContain('"kind":"provision"');
    expect(text).toContain('"kind":"rotate-password"');
    const secrets = [keys.operator, keys.signup, rotated.body.password as string, database!.owner_verifier, verifiers[0]!.owner_verifier, plane.settings.FREEHOLD_MASTER_KEY];
    for (const secret of secrets) expect(text).not.toContain(secret);
  }, TIMEOUT_MS);
});
