import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { NO_TRACING } from '../../src/telemetry/tracing.js';
import { newId } from '../../src/metadata/ids.js';
import { queryRows } from '../../src/metadata/query-rows.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import type { OperationDefinition, Step } from '../../src/operations/definition.js';
import { OperationQueues } from '../../src/operations/operation-queues.js';
import { OperationsService, OperationNotSteerableError } from '../../src/operations/operations.service.js';
import { OperationWorkers } from '../../src/operations/operation-workers.js';
import { PostgresOperationStore } from '../../src/operations/postgres-store.js';
import { OperationRegistry } from '../../src/operations/registry.js';
import { OperationRunner } from '../../src/operations/runner.js';
import { sortError } from '../../src/operations/sort-error.js';
import { OperationInTheWayError, systemClock, type Clock } from '../../src/operations/store.js';
import { Sweeper } from '../../src/operations/sweeper.js';
import { eventually, startPostgres, startRedis, type TestServer } from '../support/servers.js';
import { openTestMetadata, type TestMetadata } from '../support/test-metadata.js';

const silent = { info: () => undefined, warn: () => undefined };

let postgres: TestServer;
let redis: TestServer;
let metadata: TestMetadata;
let store: PostgresOperationStore;
let registry: OperationRegistry<EntityManager>;
let queues: OperationQueues;
let operations: OperationsService;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
});
afterAll(async () => {
  await Promise.all([postgres?.stop(), redis?.stop()]);
});
beforeEach(async () => {
  metadata = await openTestMetadata(postgres.url);
  store = new PostgresOperationStore(metadata.dataSource);
  registry = new OperationRegistry();
  queues = new OperationQueues(redis.url);
  operations = new OperationsService(new Metadata(metadata.dataSource), store, registry, queues, NO_TRACING);
  return async () => {
    await queues.close();
    await metadata.close();
  };
});

type Run = Step<EntityManager>['run'];

function define(kind: string, runs: Record<string, Run | Partial<Step<EntityManager>>>, more: Partial<OperationDefinition<EntityManager>> = {}): void {
  registry.register({
    kind, does: 'test', input: z.unknown(), exclusive: true, queue: 'changes', deadlineMs: 60_000, preempts: () => false,
    steps: Object.entries(runs).map(([name, run]) => ({
      name, does: name, timeoutMs: 5_000, attempts: 3, onFailure: 'undo' as const,
      run: () => Promise.resolve({ outcome: 'next' as const }), ...(typeof run === 'function' ? { run } : run),
    })),
    ...more,
  });
}

const runner = (more: { clock?: Clock; leaseMs?: number; worker?: string } = {}) => new OperationRunner({
  store, registry, clock: systemClock, worker: 'worker-1', leaseMs: 5_000, sortError, log: silent, ...more,
});

const request = (kind: string, subjectId: string | null = 'db_1') =>
  metadata.dataSource.transaction((tx) => operations.request(tx, { kind, subjectId, ownerId: null, input: {}, requestedBy: 'key_1', requestId: 'req_1' }));

const find = async (id: string) => (await operations.find(EVERYTHING, id))!;
const tokenOf = async (id: string) => BigInt((await queryRows<{ token: string }>(metadata.dataSource.manager, 'SELECT token FROM subjects WHERE id = $1', [id]))[0]!.token);
const makeDue = (id: string) => metadata.dataSource.query(`UPDATE operations SET due_at = now() WHERE id = $1`, [id]);

describe('an operation', () => {
  it('goes through its steps, handing on what each found, and raises the token at every step', async () => {
    const tokens: bigint[] = [];
    define('journey', {
      one: ({ token }) => { tokens.push(token); return Promise.resolve({ outcome: 'next', found: { a: 1 }, detail: { shown: true } }); },
      two: ({ token, found }) => { tokens.push(token); return Promise.resolve({ outcome: 'next', found: { b: (found.a as number) + 1 } }); },
      three: ({ token, found }) => { tokens.push(token); return Promise.resolve({ outcome: 'done', detail: { sum: found.b } }); },
    });
    const { id } = await request('journey');
    await runner().run(id);
    expect(await find(id)).toMatchObject({
      state: 'succeeded', databaseId: 'db_1', error: null,
      steps: [{ name: 'one', state: 'succeeded', detail: { shown: true } }, { name: 'two', state: 'succeeded' }, { name: 'three', state: 'succeeded', detail: { sum: 2 } }],
    });
    expect(tokens.every((token, index) => index === 0 || token > tokens[index - 1]!)).toBe(true);
    expect(await tokenOf('db_1')).toBeGreaterThan(tokens.at(-1)!);
  });

  it('shows a step that is done piece by piece from the beginning of its first piece', async () => {
    const times: number[] = [];
    define('pieces', {
      one: () => {
        times.push(Date.now());
        return Promise.resolve({ outcome: 'next', to: times.length < 3 ? 'one' : 'two' });
      },
      two: () => Promise.resolve({ outcome: 'done' }),
    });
    const { id } = await request('pieces');
    await runner().run(id);
    const [one] = (await find(id)).steps;
    expect(Date.parse(one!.startedAt!)).toBeLessThanOrEqual(times[0]!);
    expect(Date.parse(one!.finishedAt!)).toBeGreaterThanOrEqual(times[2]!);
  });

  it('records a step and what it wrote together, or neither', async () => {
    await metadata.dataSource.query('CREATE TABLE marks (step text PRIMARY KEY)');
    let failures = 2;
    define('marking', {
      one: () => Promise.resolve({ outcome: 'next', record: async (tx) => {
        await tx.query(`INSERT INTO marks VALUES ('one')`);
        if (failures-- > 0) throw new Error('the connection broke before the commit');
      } }),
    });
    const { id } = await request('marking');
    const run = runner({ leaseMs: 1_000 });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(run.run(id)).rejects.toThrow('before the commit');
      expect(await metadata.dataSource.query('SELECT FROM marks')).toHaveLength(0);
      await metadata.dataSource.query('UPDATE operations SET lease_until = now() WHERE id = $1', [id]);
    }
    await run.run(id);
    expect(await metadata.dataSource.query('SELECT * FROM marks')).toEqual([{ step: 'one' }]);
    expect((await find(id)).state).toBe('succeeded');
  });

  it('undoes what it did in reverse order when a step fails, and says which step and why', async () => {
    const undone: string[] = [];
    const undo = (name: string) => () => { undone.push(name); return Promise.resolve(); };
    define('doomed', {
      one: { undo: undo('one') }, two: { undo: undo('two') },
      three: { run: () => Promise.reject(Object.assign(new Error('no space left on device'), { kind: 'permanent', hint: 'free some' })), undo: undo('three') },
      four: {},
    });
    const { id } = await request('doomed');
    await runner().run(id);
    expect(undone).toEqual(['three', 'two', 'one']);
    expect(await find(id)).toMatchObject({
      state: 'failed', error: { step: 'three', reason: 'no space left on device', hint: 'free some', left: 'nothing' },
      steps: [{ state: 'succeeded' }, { state: 'succeeded' }, { state: 'failed', detail: { reason: 'no space left on device', undone: true } }, { state: 'skipped' }],
    });
  });

  it('is tried again after an error that may pass, as often as the step allows', async () => {
    let calls = 0;
    define('flaky', { one: () => { calls += 1; return Promise.reject(new Error('rain')); } });
    const { id } = await request('flaky');
    const run = runner();
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      expect(await run.run(id)).toMatchObject({ next: 'again', queue: 'changes' });
      await makeDue(id);
    }
    await run.run(id);
    expect(calls).toBe(3);
    expect(await find(id)).toMatchObject({ state: 'failed', error: { reason: 'rain' }, steps: [{ attempts: 3 }] });
  });

  it('cuts off an attempt that takes longer than it may', async () => {
    let aborted = false;
    define('slow', { one: { timeoutMs: 50, attempts: 1, run: ({ signal }) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => { aborted = true; reject(signal.reason as Error); });
    }) } });
    const { id } = await request('slow');
    await runner().run(id);
    expect(aborted).toBe(true);
    expect(await find(id)).toMatchObject({ state: 'failed', error: { reason: 'not done within 50 ms' } });
  });

  it('persists after its point of no return, with an alert that resolves itself when the step gets there', async () => {
    let works = false;
    define('forward', { leap: { attempts: 1, onFailure: 'persist', run: () => (works ? Promise.resolve({ outcome: 'done' as const }) : Promise.reject(new Error('rain'))) } }, { pointOfNoReturn: 'leap' });
    const { id } = await request('forward');
    await runner().run(id);
    const open = () => metadata.dataSource.query('SELECT message FROM alerts WHERE resolved_at IS NULL');
    expect(await open()).toEqual([{ message: 'forward does not get past "leap": rain' }]);
    works = true;
    await makeDue(id);
    await runner().run(id);
    expect(await open()).toEqual([]);
    expect((await find(id)).state).toBe('succeeded');
  });

  it('tells every change in order, each with the whole document', async () => {
    define('journey', { one: {}, two: {} });
    const { id } = await request('journey');
    await runner().run(id);
    const events = await operations.eventsAfter(EVERYTHING, id, '0');
    expect(events.map(({ document }) => [document.state, ...document.steps.map(({ state }) => state)])).toEqual([
      ['pending', 'pending', 'pending'], ['running', 'running', 'pending'], ['running', 'succeeded', 'running'], ['succeeded', 'succeeded', 'succeeded'],
    ]);
    expect(await operations.eventsAfter(EVERYTHING, id, events[2]!.id)).toHaveLength(1);
  });
});

describe('two workers', () => {
  it('do not both take an operation', async () => {
    let calls = 0;
    define('once', { one: async () => { calls += 1; await new Promise((resolve) => setTimeout(resolve, 30)); return { outcome: 'done' }; } });
    const { id } = await request('once');
    await Promise.all(Array.from({ length: 8 }, (_, index) => runner({ worker: `worker-${index}` }).run(id)));
    expect(calls).toBe(1);
  });

  it('leave the operation to the later one when the earlier lost its lease, whatever the earlier found', async () => {
    let wake: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => { wake = resolve; });
    const tokens: bigint[] = [];
    define('stall', { one: async ({ token }) => {
      tokens.push(token);
      if (tokens.length === 1) await asleep;
      return { outcome: 'done', found: { by: tokens.length } };
    } });
    const { id } = await request('stall');
    // The first worker's clock stands still: it never prolongs its lease, as a stopped process would not.
    const stopped: Clock = { ...systemClock, after: () => () => undefined };
    const first = runner({ worker: 'sleeper', clock: stopped }).run(id);
    await eventually(() => tokens.length === 1);
    await metadata.dataSource.query(`UPDATE operations SET lease_until = now() WHERE id = $1`, [id]);
    await runner({ worker: 'other' }).run(id);
    const settled = await find(id);
    wake();
    await first;
    expect(settled.state).toBe('succeeded');
    expect(await find(id)).toEqual(settled);
    expect(tokens[1]).toBeGreaterThan(tokens[0]!);
  });

  it('abort an attempt whose lease is lost', async () => {
    let reason: unknown;
    define('taken', { one: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => { reason = signal.reason; reject(signal.reason as Error); })) });
    const { id } = await request('taken');
    const run = runner({ leaseMs: 60 }).run(id);
    await eventually(async () => (await find(id)).state === 'running');
    await metadata.dataSource.query(`UPDATE subjects SET token = token + 1 WHERE id = 'db_1'`);
    await run;
    expect(String(reason)).toContain('the lease was lost');
    expect((await find(id)).state).toBe('running');
  });

  it('let go of a long step when their process stops, and whoever comes next takes it again', async () => {
    let takes = 0;
    define('long', { one: ({ signal }) => (takes++ > 0 ? Promise.resolve({ outcome: 'done' as const }) : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))) });
    const { id } = await request('long');
    const stopping = runner({ leaseMs: 60 });
    const run = stopping.run(id);
    await eventually(() => takes === 1);
    stopping.stop();
    stopping.cutOff();
    await run;
    expect((await find(id)).state).toBe('running');
    await eventually(async () => {
      await runner({ worker: 'other' }).run(id);
      return (await find(id)).state === 'succeeded';
    });
    expect(takes).toBe(2);
  });
});

describe('exclusive operations', () => {
  beforeEach(() => {
    define('change', { one: {} });
    define('copy', { one: {} }, { exclusive: false });
    define('rescue', { one: {} }, { preempts: ({ kind }) => kind === 'change' });
  });

  it('are one at a time for a subject, and the refusal names the one in the way', async () => {
    const { id } = await request('change');
    const refusal = await request('change').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OperationInTheWayError);
    expect((refusal as OperationInTheWayError).operation).toMatchObject({ id, kind: 'change' });
    await expect(request('change', 'db_2')).resolves.toBeDefined();
    await expect(request('copy')).resolves.toBeDefined();
  });

  it('are ended by one that may pre-empt them, whose token refuses them', async () => {
    const { id } = await request('change');
    const held = (await store.claim(id, 'worker-1', 5_000))!;
    await request('rescue');
    expect((await find(id)).state).toBe('cancelled');
    expect(await store.settle(held, { type: 'end', state: 'succeeded' }, {}, [])).toBeUndefined();
    expect(await store.extend(held, 5_000)).toBe(false);
    expect(await tokenOf('db_1')).toBeGreaterThan(held.token);
  });

  it('are one at a time also when requested at the same moment', async () => {
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => request('change', 'db_9')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(results.filter((result) => result.status === 'rejected').every((result) => result.reason instanceof OperationInTheWayError)).toBe(true);
  });
});

describe('an operator', () => {
  const steer = (how: 'cancel' | 'retry', id: string) =>
    metadata.dataSource.transaction((tx) => (how === 'cancel' ? operations.cancel(tx, id, 'key_2') : operations.retry(tx, id)));

  it('cancels what has not begun', async () => {
    define('change', { one: {} });
    const { id } = await request('change');
    expect(await steer('cancel', id)).toMatchObject({ state: 'cancelled', steps: [{ state: 'skipped' }] });
    await expect(steer('cancel', id)).rejects.toBeInstanceOf(OperationNotSteerableError);
  });

  it('cancels what runs, which then undoes what it did', async () => {
    let undone = false;
    define('change', { one: { undo: () => { undone = true; return Promise.resolve(); } }, two: () => Promise.resolve({ outcome: 'wait', forMs: 1_000, reason: 'the tide' }), three: {} });
    const { id } = await request('change');
    await runner().run(id);
    await steer('cancel', id);
    await runner().run(id);
    expect(undone).toBe(true);
    expect(await find(id)).toMatchObject({ state: 'cancelled' });
  });

  it('does not cancel beyond the point of no return', async () => {
    define('leap', { leap: { onFailure: 'persist', run: () => Promise.resolve({ outcome: 'wait', forMs: 1_000, reason: 'the tide' }) } }, { pointOfNoReturn: 'leap' });
    const { id } = await request('leap');
    await runner().run(id);
    await expect(steer('cancel', id)).rejects.toThrow('point of no return');
  });

  it('lets a failed operation begin again', async () => {
    let works = false;
    define('change', { one: () => Promise.resolve(works ? { outcome: 'done' } : { outcome: 'give-up', reason: 'rain' }) });
    const { id } = await request('change');
    await runner().run(id);
    expect((await find(id)).state).toBe('failed');
    works = true;
    expect(await steer('retry', id)).toMatchObject({ state: 'pending', error: null });
    await runner().run(id);
    expect(await find(id)).toMatchObject({ state: 'succeeded', error: null });
    await expect(steer('retry', id)).rejects.toBeInstanceOf(OperationNotSteerableError);
  });
});

describe('the alarm clock', () => {
  const start = () => {
    const run = runner();
    const workers = new OperationWorkers(redis.url, run, queues, { failover: 2, changes: 2, restores: 1, bulk: 1, proofs: 1 });
    const sweeper = new Sweeper({ store, metadata: new Metadata(metadata.dataSource), queues, runner: run, log: silent });
    workers.start();
    sweeper.start();
    return async () => {
      run.stop();
      await Promise.all([workers.stop(), sweeper.stop()]);
    };
  };
  const ends = (id: string) => eventually(async () => (await find(id)).state === 'succeeded');

  it('wakes a worker for what is announced, and again for what waits', async () => {
    let calls = 0;
    define('waiting', { one: () => Promise.resolve((calls += 1) === 1 ? { outcome: 'wait', forMs: 50, reason: 'the tide' } : { outcome: 'done' }) });
    const stop = start();
    await eventually(() => queues.isReachable());
    await operations.announce(await request('waiting'));
    const { data: [operation] } = { data: await operations.list(EVERYTHING, { limit: 1 }) };
    await ends(operation!.id);
    await stop();
  });

  it('finds what was never announced', async () => {
    define('forgotten', { one: {} });
    const { id } = await request('forgotten');
    const stop = start();
    await ends(id);
    await stop();
  });

  it('runs what is due while redis is away, and goes on when it is back', async () => {
    define('lonely', { one: {} });
    const stop = start();
    await redis.kill();
    const { id } = await request('lonely', newId('database'));
    await ends(id);
    await redis.restart();
    const again = await request('lonely', newId('database'));
    await ends(again.id);
    await stop();
  });

  it('raises an alert when an operation takes longer than it may, once', async () => {
    define('late', { one: () => Promise.resolve({ outcome: 'wait', forMs: 60_000, reason: 'the tide' }) });
    const { id } = await request('late');
    await metadata.dataSource.query(`UPDATE operations SET deadline_at = now() - interval '1 s', due_at = now() + interval '1 h' WHERE id = $1`, [id]);
    const stop = start();
    const alerts = await eventually(async () => {
      const rows = await metadata.dataSource.query('SELECT kind, operation_id FROM alerts') as unknown[];
      return rows.length > 0 && rows;
    });
    await stop();
    expect(alerts).toEqual([{ kind: 'deadline-breached', operation_id: id }]);
  });
});
