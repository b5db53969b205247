import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiProcess } from '../support/api-process.js';
import { WorkerProcess } from '../support/worker-process.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { buildCommand } from '../support/freehold-command.js';
import { eventually } from '../support/servers.js';
import { TraceReceiver } from '../support/trace-receiver.js';

const TIMEOUT_MS = 120_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const keys = { operator: `fh_operator_${randomBytes(32).toString('base64url')}`, signup: `fh_signup_${randomBytes(32).toString('base64url')}` };
const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

describe('tracing', () => {
  beforeAll(buildCommand, TIMEOUT_MS);

  it('loads nothing unless it is asked for', async () => {
    const program = `
      import { createRequire } from 'node:module';
      const { openTracing } = await import('./dist/src/telemetry/open-tracing.js');
      const { NO_TRACING } = await import('./dist/src/telemetry/tracing.js');
      await import('./dist/src/processes/create-api.js');
      await import('./dist/src/processes/start-worker.js');
      // The metrics' library loads the interface, which does nothing by itself.
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((path) => /@opentelemetry\\/(?!api\\/)/.test(path)).length;
      const off = await openTracing(undefined, 'api');
      const before = loaded();
      await (await openTracing('http://127.0.0.1:1', 'api')).close();
      console.log(JSON.stringify({ isOff: off === NO_TRACING, before, after: loaded() > 0 }));
      process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'reflect-metadata', '--input-type=module', '-e', program], { cwd: ROOT });
    expect(JSON.parse(stdout)).toEqual({ isOff: true, before: 0, after: true });
  }, TIMEOUT_MS);
});

describe('a collector', () => {
  let receiver: TraceReceiver;
  let plane: TestControlPlane;
  let api: ApiProcess;
  let worker: WorkerProcess;

  beforeAll(async () => {
    await buildCommand();
    receiver = await TraceReceiver.start();
    plane = await startControlPlane({ worker: false });
    const settings = { ...plane.settings, FREEHOLD_OTLP_ENDPOINT: receiver.url };
    api = await ApiProcess.start(settings, keys, plane.redis.url);
    worker = new WorkerProcess(settings);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Promise.all([api?.end('SIGTERM'), worker?.end('SIGTERM')]);
    await plane?.stop();
    receiver?.stop();
  }, TIMEOUT_MS);

  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${api.url}${path}`, {
      method: 'POST', headers: { authorization: `Bearer ${keys.operator}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body),
    });
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    return (await response.json()) as any;
  };

  it('sees one trace from the caller through the API, the operation and each of its steps, in two processes', async () => {
    const { id: customerId } = await post('/v1/customers', { name: 'Ada', email: 'ada@example.com' });
    const [traceId, callerSpan] = [hex(16), hex(8)];
    const { operation, credentials } = await post('/v1/databases', { customerId, name: 'shop', region: 'europe' },
      { traceparent: `00-${traceId}-${callerSpan}-01`, 'x-request-id': 'trace-test-0001' });
    const whole = await eventually(() => receiver.of(traceId).find(({ name }) => name === 'provision'), 60_000);
    const request = await eventually(() => receiver.of(traceId).find(({ name }) => name === 'POST /v1/databases'));
    expect(request).toMatchObject({
      service: 'freehold-api', parentSpanId: callerSpan,
      attributes: { 'http.request.method': 'POST', 'http.route': '/v1/databases', 'http.response.status_code': 202, 'freehold.request.id': 'trace-test-0001', 'freehold.actor': 'key_operator' },
    });
    expect(whole).toMatchObject({ service: 'freehold-worker', parentSpanId: request.spanId, attributes: { 'freehold.operation.id': operation.id, 'freehold.operation.state': 'succeeded' } });
    const response = await fetch(`${api.url}/v1/operations/${operation.id}`, { headers: { authorization: `Bearer ${keys.operator}` } });
    const ended = (await response.json()) as { steps: { name: string; state: string }[] };
    // A step that was left out has no span.
    const names = new Set(ended.steps.filter(({ state }) => state === 'succeeded').map(({ name }) => `provision ${name}`));
    expect(names.size).toBeGreaterThan(3);
    // The span of the last step ends a moment after that of the operation.
    const steps = await eventually(() => {
      const arrived = receiver.of(traceId).filter(({ name, parentSpanId }) => names.has(name) && parentSpanId === whole.spanId);
      return new Set(arrived.map(({ name }) => name)).size === names.size && arrived;
    });
    for (const step of steps) {
      expect(step).toMatchObject({ service: 'freehold-worker', attributes: { 'freehold.operation.id': operation.id, 'freehold.request.id': 'trace-test-0001' } });
      expect(step.startedAt).toBeGreaterThanOrEqual(whole.startedAt);
    }
    const statements = receiver.of(traceId).filter(({ attributes }) => attributes['db.system.name'] === 'postgresql');
    expect(statements.some(({ name, parentSpanId }) => name === 'INSERT' && parentSpanId === request.spanId)).toBe(true);
    expect(statements.some(({ parentSpanId }) => steps.some(({ spanId }) => spanId === parentSpanId))).toBe(true);
    // Spans hang together: each is part of another that has arrived, or of the caller's.
    await eventually(() => {
      const known = new Set([callerSpan, ...receiver.of(traceId).map(({ spanId }) => spanId)]);
      return receiver.of(traceId).every(({ parentSpanId }) => known.has(parentSpanId!));
    });
    expect(JSON.stringify(receiver.spans)).not.toContain(credentials.password);
    expect(JSON.stringify(receiver.spans)).not.toMatch(/SCRAM-SHA-256/);
  }, TIMEOUT_MS);

  it('sees a request of nobody\'s trace as one of its own, also when the given one is malformed', async () => {
    await post('/v1/customers', { name: 'Bob', email: 'nonsense' }, { traceparent: '00-zz-1-01' });
    const span = await eventually(() => receiver.spans.find(({ name, attributes }) => name === 'POST /v1/customers' && attributes['http.response.status_code'] === 400));
    expect(span.parentSpanId).toBeUndefined();
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});
