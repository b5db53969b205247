import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readEvents, readStream, type StreamPart } from '../support/event-stream.js';
import { eventually } from '../support/servers.js';
import { signedInUser } from '../support/people.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let customer: { id: string; key: string };

beforeAll(async () => {
  api = await startTestApi();
  customer = await api.customer();
});
afterEach(() => vi.useRealTimers());
afterAll(() => api?.close());

const follow = (operationId: string, headers: Record<string, string> = {}, key = customer.key): Promise<Response> =>
  fetch(`${api.url}/v1/operations/${operationId}/events`, { headers: { authorization: `Bearer ${key}`, ...headers }, signal: AbortSignal.timeout(20_000) });

let names = 0;
const make = async (): Promise<{ id: string; operationId: string }> => {
  names += 1;
  const { body } = await api.post('/v1/databases', { customerId: customer.id, name: `streamed-${names}`, region: 'europe' });
  return { id: body.database.id, operationId: body.operation.id };
};
const documentOf = ({ data }: StreamPart) => JSON.parse(data ?? 'null') as { id: string; state: string; steps: { name: string; state: string }[] };
/** Reads until the condition holds and leaves the stream open behind it. */
async function readUntil(parts: AsyncGenerator<StreamPart>, condition: (part: StreamPart) => boolean): Promise<StreamPart[]> {
  const read: StreamPart[] = [];
  for (;;) {
    const { value, done } = await parts.next();
    if (done) throw new Error(`the stream ended after ${JSON.stringify(read)}`);
    read.push(value);
    if (condition(value)) return read;
  }
}

describe('the events of an operation', () => {
  it('tell each step as it happens and end with the operation', async () => {
    const held = api.engine.hold('attachStandby');
    const { operationId } = await make();
    const response = await follow(operationId);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const parts = readStream(response);
    await held.reached;
    const before = await readUntil(parts, (part) => part.event === 'step' && documentOf(part).steps.some(({ name, state }) => name === 'attach-standbys' && state === 'running'));
    expect(documentOf(before.at(-1)!).state).toBe('running');
    held.release();
    const after = await readUntil(parts, ({ event }) => event === 'end');
    expect(documentOf(after.at(-1)!)).toMatchObject({ id: operationId, state: 'succeeded' });
    expect((await parts.next()).done).toBe(true);
    const ids = [...before, ...after].flatMap(({ id }) => (id ? [Number(id)] : []));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    const steps = documentOf(after.at(-2)!).steps.filter(({ state }) => state !== 'skipped');
    for (const { name } of steps) {
      expect([...before, ...after].some((part) => part.event === 'step' && documentOf(part).steps.some((step) => step.name === name && step.state === 'succeeded')), name).toBe(true);
    }
  });

  it('are all told to one who comes after the end', async () => {
    const { operationId } = await make();
    await api.ended(operationId);
    const events = await readEvents(await follow(operationId));
    expect(events.at(-1)!.event).toBe('end');
    expect(documentOf(events[0]!).state).toBe('pending');
    expect(documentOf(events.at(-2)!).state).toBe('succeeded');
  });

  it('go on after the last one that was received', async () => {
    const { operationId } = await make();
    await api.ended(operationId);
    const all = (await readEvents(await follow(operationId))).filter(({ event }) => event === 'step');
    for (const cut of [0, 2, all.length - 1]) {
      const rest = await readEvents(await follow(operationId, { 'last-event-id': all[cut]!.id! }));
      expect(rest.filter(({ event }) => event === 'step').map(({ id }) => id)).toEqual(all.slice(cut + 1).map(({ id }) => id));
      expect(rest.at(-1)!.event).toBe('end');
    }
  });

  it('lose nothing when the connection breaks in the middle', async () => {
    const held = api.engine.hold('open');
    const { operationId } = await make();
    const first = readStream(await follow(operationId));
    await held.reached;
    const seen = (await readUntil(first, (part) => part.event === 'step' && documentOf(part).steps.some(({ name, state }) => name === 'route' && state === 'running')))
      .filter(({ event }) => event === 'step');
    await first.return(undefined);
    held.release();
    const rest = await readEvents(await follow(operationId, { 'last-event-id': seen.at(-1)!.id! }));
    const whole = (await readEvents(await follow(operationId))).filter(({ event }) => event === 'step');
    expect([...seen, ...rest.filter(({ event }) => event === 'step')].map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
  });

  it('go on when the connection that they are announced on was lost', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const parts = readStream(await follow(operationId));
    await held.reached;
    const killed = await api.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'freehold-feed' AND datname = current_database()`);
    expect(killed).toHaveLength(1);
    held.release();
    expect(documentOf((await readUntil(parts, ({ event }) => event === 'end')).at(-1)!).state).toBe('succeeded');
  });

  it('are kept alive by a heartbeat', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const beats: (() => void)[] = [];
    const realInterval = globalThis.setInterval;
    const spy = vi.spyOn(globalThis, 'setInterval').mockImplementation(((call: () => void, ms?: number) => {
      if (ms === 15_000) beats.push(call);
      return realInterval(call, ms);
    }) as typeof setInterval);
    const parts = readStream(await follow(operationId));
    await eventually(() => beats.length > 0);
    spy.mockRestore();
    beats[0]!();
    expect((await readUntil(parts, ({ comment }) => comment !== undefined)).at(-1)!.comment).toBe('still here');
    held.release();
    await readUntil(parts, ({ event }) => event === 'end');
  });

  it('are refused from a place that is none', async () => {
    const { operationId } = await make();
    for (const place of ['first', '-1', '1.5', '9'.repeat(30)]) {
      const answer = await api.get(`/v1/operations/${operationId}/events`, { headers: { 'last-event-id': place } });
      expect(answer.body, place).toMatchObject({ status: 400, type: expect.stringContaining('/invalid-header') as string, errors: [{ field: 'Last-Event-ID' }] });
    }
    await api.ended(operationId);
  });

  it('end for a user who is disabled', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const user = await signedInUser(api, 'member', customer.id);
    const response = await follow(operationId, {}, user.token);
    await held.reached;
    const parts = readStream(response);
    await readUntil(parts, ({ event }) => event === 'step');
    expect((await api.post(`/v1/users/${user.id}/disable`)).status).toBe(200);
    held.release();
    const rest: StreamPart[] = [];
    for await (const part of parts) rest.push(part);
    expect(rest.some(({ event }) => event === 'end')).toBe(false);
    await api.ended(operationId);
  });

  it('end for a key that is revoked', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const { body: { id, key } } = await api.post(`/v1/customers/${customer.id}/api-keys`, { name: 'short-lived' });
    const response = await follow(operationId, {}, key as string);
    await held.reached;
    const parts = readStream(response);
    await readUntil(parts, ({ event }) => event === 'step');
    await api.call('DELETE', `/v1/customers/${customer.id}/api-keys/${id}`);
    held.release();
    const rest: StreamPart[] = [];
    for await (const part of parts) rest.push(part);
    expect(rest.some(({ event }) => event === 'end')).toBe(false);
    await api.ended(operationId);
  });

  it('end at once when the process stops, and go on with the next one', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const parts = readStream(await follow(operationId));
    const seen = await readUntil(parts, ({ event }) => event === 'step');
    await held.reached;
    const began = Date.now();
    await api.restart();
    expect(Date.now() - began).toBeLessThan(5_000);
    for await (const part of parts) if (part.event === 'step') seen.push(part);
    held.release();
    const rest = await readEvents(await follow(operationId, { 'last-event-id': seen.at(-1)!.id! }));
    expect(documentOf(rest.at(-1)!).state).toBe('succeeded');
  });

  it('of many followers do not hold connections of the metadata', async () => {
    const held = api.engine.hold('createPrimary');
    const { operationId } = await make();
    const followers = await Promise.all(Array.from({ length: 40 }, () => follow(operationId)));
    expect((await api.get('/v1/databases')).status).toBe(200);
    held.release();
    const ends = await Promise.all(followers.map(async (follower) => (await readEvents(follower)).at(-1)!.event));
    expect(new Set(ends)).toEqual(new Set(['end']));
  });
});
