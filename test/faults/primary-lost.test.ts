import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { lostRows, NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { signalAll } from '../support/signal-all.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';

let plane: TestControlPlane;
/** Far below what clients wait when nobody acts, and far above what a busy machine takes; how fast it is, test/bench measures. */
const GAP_LIMIT_MS = 30_000;

beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane?.stop());

/** Runs a fault under a writer, and holds the outcome against the promises. */
async function survive(database: DatabaseUnderTest, fault: () => Promise<void>, expectedEpoch: number) {
  const writer = await NumberedWriter.start(database.credentials.uri);
  const primaries = database.watchPrimaries();
  await eventually(() => writer.count > 20);
  writer.resetGap();
  await fault();
  await database.settled(expectedEpoch);
  const count = writer.count;
  await eventually(() => writer.count > count + 20);
  const report = await writer.stop();
  expect(await lostRows(database.credentials.uri, report)).toEqual([]);
  expect(await primaries.stop()).toBe(1);
  return report;
}

describe('a primary that is lost', () => {
  it('killed: the standby takes over, nothing acknowledged is lost, and the database is redundant again', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const primary = await database.instance('primary');
    const report = await survive(database, async () => void (await database.signal(primary.id, 'SIGKILL')), 2);
    expect((await database.instance('primary')).id).not.toBe(primary.id);
    expect(report.longestGapMs).toBeLessThan(GAP_LIMIT_MS);
  });

  it('hung and woken after the failover: it cannot accept a write any more', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const primary = await database.instance('primary');
    let stopped: number[] = [];
    await survive(database, async () => {
      stopped = await database.signal(primary.id, 'SIGSTOP');
      await eventually(async () => (await database.read()).epoch === 2);
      signalAll(stopped, 'SIGCONT');
    }, 2);
  });

  it('twice in a row: the second failover begins where the first one ended', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    await survive(database, async () => {
      await database.signal((await database.instance('primary')).id, 'SIGKILL');
      await database.settled(2);
      await database.signal((await database.instance('primary')).id, 'SIGKILL');
    }, 3);
  });

  it('with two standbys: the other one follows the new primary', async () => {
    const database = await DatabaseUnderTest.provision(plane, 'business');
    await survive(database, async () => void (await database.signal((await database.instance('primary')).id, 'SIGKILL')), 2);
    expect((await database.read()).instances.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
  });

  it('together with its standby: the recorded primary comes back in place', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    await survive(database, async () => {
      const { instances } = await database.read();
      await Promise.all(instances.map(({ id }) => database.signal(id, 'SIGKILL')));
    }, 1);
  });
});

describe('what is not a lost primary', () => {
  it('a backend killed with -9: PostgreSQL restarts by itself, and nobody fails over', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const { id } = await database.instance('primary');
    await survive(database, async () => {
      const postmaster = await database.postmaster(id);
      process.kill((await database.processes(id)).find((pid) => pid !== postmaster)!, 'SIGKILL');
    }, 1);
    expect((await database.operations()).map(({ kind }) => kind)).not.toContain('failover');
  });

  it('a standby killed: writers wait a moment, then go on alone, and it comes back by itself', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const { id } = await database.instance('standby');
    const report = await survive(database, async () => {
      await database.signal(id, 'SIGKILL');
      await eventually(async () => (await database.operations()).some(({ kind }) => kind === 'reprotect'));
    }, 1);
    expect(report.longestGapMs).toBeLessThan(GAP_LIMIT_MS);
  });
});

describe('an operator', () => {
  it('switches over: clients of the pooled endpoint see no error', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const writer = await NumberedWriter.start(database.credentials.pooledUri);
    await eventually(() => writer.count > 20);
    expect(await database.ended(await database.switchover())).toMatchObject({ state: 'succeeded' });
    await database.settled(2);
    const report = await writer.stop();
    expect(report.errors).toBe(0);
    expect(await lostRows(database.credentials.uri, report)).toEqual([]);
  });

  it('fails over twice at once, and gets the same operation', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const [one, other] = await Promise.all([database.failover(), database.failover()]);
    expect(one.id).toBe(other.id);
    expect(await database.ended(one)).toMatchObject({ state: 'succeeded' });
    expect(await database.settled(2)).toMatchObject({ epoch: 2 });
  });
});
