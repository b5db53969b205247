import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startRedis, type TestServer } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let redis: TestServer;
let api: TestApi;

beforeAll(async () => {
  redis = await startRedis();
  api = await startTestApi({ redisUrl: redis.url });
});
afterAll(async () => {
  await api?.close();
  await redis?.stop();
});

describe('readiness', () => {
  it('says what was looked at, and that everything is there', async () => {
    // Who asks at once is told that the worker has not looked yet.
    const { status, body } = await eventually(async () => {
      const answer = await api.get('/readyz', { key: null });
      return answer.body.recovered === true && answer;
    });
    expect([status, body]).toEqual([200, { status: 'ready', recovered: true, checks: { metadata: true, redis: true, queues: true } }]);
  });

  it('is not given while databases are still being brought back', async () => {
    await api.query(`INSERT INTO subjects (id) VALUES ('db_x')`);
    await api.query(`INSERT INTO operations (id, kind, subject_id, fence_id, exclusive, queue, step, input, step_deadline_at, deadline_at, due_at, requested_by)
      VALUES ('op_x', 'recover', 'db_x', 'db_x', true, 'changes', 'start', '{"databaseId":"db_x"}', now() + interval '1 h', now() + interval '1 h', now() + interval '1 h', 'boot')`);
    expect((await api.get('/readyz')).body).toMatchObject({ status: 'ready', recovered: false });
    await api.query(`DELETE FROM operations WHERE id = 'op_x'`);
    expect((await api.get('/readyz')).body.recovered).toBe(true);
  });

  it('is withdrawn while Redis is away, the process stays alive, requests are taken and done, and all is well again after', async () => {
    const { id: customerId } = await api.customer();
    await redis.kill();
    const away = await eventually(async () => {
      const answer = await api.get('/readyz', { key: null });
      return answer.status === 503 && answer;
    });
    expect(away.body).toMatchObject({ status: 'not-ready', checks: { metadata: true, redis: false } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.get('/healthz', { key: null })).status).toBe(200);
    const made = await api.database(customerId, 'without-redis');
    expect((await api.get(`/v1/databases/${made.id}`)).body.state).toBe('available');
    await redis.restart();
    await eventually(async () => (await api.get('/readyz', { key: null })).status === 200, 20_000);
  });
});

describe('the figures for Prometheus', () => {
  it('tell of requests, operations, steps, queues, databases, connections and the event loop', async () => {
    const { id: customerId } = await api.customer();
    await api.database(customerId, 'counted');
    api.engine.refusals.set('europe', [{ databaseId: 'db_1', reason: 'source-limit', count: 3 }, { databaseId: null, reason: 'unassigned', count: 1 }, { databaseId: 'db_2', reason: 'source-limit', count: 4 }]);
    const { text, headers } = await api.get('/metrics', { key: null });
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(/freehold_http_request_seconds_count\{method="POST",route="\/v1\/databases",status="202"\} [1-9]/);
    expect(text).toMatch(/freehold_operations\{kind="provision",state="succeeded"\} [1-9]/);
    expect(text).toMatch(/freehold_operation_step_seconds\{kind="provision",step="create-primary",statistic="median"\} [0-9.]+/);
    expect(text).toMatch(/freehold_queue_depth\{queue="changes"\} 0/);
    expect(text).toMatch(/freehold_databases\{state="available"\} [1-9]/);
    expect(text).toMatch(/freehold_gateway_refusals_total\{region="europe",reason="source-limit"\} 7/);
    expect(text).toMatch(/freehold_metadata_connections\{state="idle"\} \d/);
    expect(text).toMatch(/freehold_nodejs_eventloop_lag_seconds [0-9.e-]+/);
  });

  it('name routes and not addresses, so that ids do not fill them', async () => {
    await api.get('/v1/databases/db_01hzy3v7q8k2w5n9t4r6x1m0pa');
    await api.get('/v1/nowhere/at/all');
    const { text } = await api.get('/metrics', { key: null });
    expect(text).toContain('route="/v1/databases/:id"');
    expect(text).not.toMatch(/db_01h|nowhere/);
  });
});

describe('answers', () => {
  it('carry headers that keep browsers safe', async () => {
    const { headers } = await api.get('/docs', { key: null });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain(`default-src 'self'`);
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('a process that is to stop', () => {
  it('finishes what it has begun', async () => {
    const { id: customerId } = await api.customer();
    const { id } = await api.database(customerId, 'stopping');
    const held = api.engine.hold('setOwnerVerifier');
    const waiting = api.post(`/v1/databases/${id}/password`);
    await held.reached;
    const restarted = api.restart();
    await eventually(() => fetch(`${api.url}/healthz`).then(() => false, () => true));
    held.release();
    expect([200, 503]).toContain((await waiting).status);
    await restarted;
    expect((await api.get('/healthz')).status).toBe(200);
  });
});
