import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { buildCommand } from '../support/freehold-command.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { announce, ended, expectNothingLeft, readDatabase, type Requested, requestDatabase, requestDeletion, reached } from './support/provisioning.js';
import { survive } from './support/survive.js';
import { WorkerProcess } from '../support/worker-process.js';

/** Two process starts and a lease lie between a kill and the end. */
const TIMEOUT_MS = 120_000;

let plane: TestControlPlane;
let worker: WorkerProcess;

beforeAll(async () => {
  await buildCommand();
  plane = await startControlPlane({ worker: false });
  worker = new WorkerProcess(plane.settings);
}, TIMEOUT_MS);
afterAll(async () => {
  await worker?.end('SIGTERM');
  await plane?.stop();
}, TIMEOUT_MS);

async function killAndReplaceWorker(): Promise<void> {
  await worker.end('SIGKILL');
  worker = new WorkerProcess(plane.settings);
}

async function request(): Promise<Requested> {
  const requested = await requestDatabase(plane, 'europe');
  await announce(plane, requested.operation);
  return requested;
}

async function expectAvailable({ id, operation }: Requested): Promise<void> {
  expect(await ended(plane, operation)).toMatchObject({ state: 'succeeded', error: null });
  expect(await readDatabase(plane, id)).toMatchObject({ state: 'available', inSync: true, instances: [{ role: 'primary' }, { role: 'standby' }] });
}

describe('a worker that is killed', () => {
  const made: Requested[] = [];

  it.each(['place', 'create-primary', 'attach-standbys', 'synchronize', 'route', 'verify'])('at "%s" of a provisioning: another one ends it', async (step) => {
    const requested = await request();
    await reached(plane, requested.operation, step);
    await killAndReplaceWorker();
    await expectAvailable(requested);
    made.push(requested);
  }, TIMEOUT_MS);

  it.each(['close-routes', 'erase-keys', 'destroy-instances'])('at "%s" of a deletion: another one ends it, and nothing is left', async (step) => {
    const doomed = made.pop()!;
    const operation = await requestDeletion(plane, doomed.id);
    await announce(plane, operation);
    await reached(plane, operation, step);
    await killAndReplaceWorker();
    expect(await ended(plane, operation)).toMatchObject({ state: 'succeeded', error: null });
    expect(await readDatabase(plane, doomed.id)).toMatchObject({ state: 'deleted', instances: [] });
    expectNothingLeft(plane, doomed);
  }, TIMEOUT_MS);
});

describe('a worker that is killed in the middle of a failover', () => {
  it('at "fence": another one ends it', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    await survive(database, 1, async () => {
      await database.signal((await database.instance('primary')).id, 'SIGKILL');
      await database.reached('failover', 'fence');
      await killAndReplaceWorker();
    });
    await database.delete();
  }, TIMEOUT_MS);
});

describe('a provisioning', () => {
  it('whose request was committed and never enqueued, since the API was killed in between, is found', async () => {
    await expectAvailable(await requestDatabase(plane, 'europe'));
  }, TIMEOUT_MS);

  it('goes on when redis is emptied in the middle', async () => {
    const requested = await request();
    await reached(plane, requested.operation, 'create-primary');
    const redis = new Redis(plane.redis.url);
    await redis.flushall();
    redis.disconnect();
    await expectAvailable(requested);
  }, TIMEOUT_MS);

  it('goes on while redis is away, and so does one that is requested meanwhile', async () => {
    const before = await request();
    await reached(plane, before.operation, 'create-primary');
    await plane.redis.kill();
    const meanwhile = await request();
    await expectAvailable(before);
    await expectAvailable(meanwhile);
    await plane.redis.restart();
    await expectAvailable(await request());
  }, TIMEOUT_MS);

  it('goes on when the metadata database was killed and is back', async () => {
    const requested = await request();
    await reached(plane, requested.operation, 'create-primary');
    await plane.postgres.kill();
    await plane.postgres.restart();
    await expectAvailable(requested);
  }, TIMEOUT_MS);
});
