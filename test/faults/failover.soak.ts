import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Metadata } from '../../src/metadata/metadata.js';
import { listAlerts } from '../../src/operations/alerts.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { survive } from './support/survive.js';

const FAILOVERS = Number(process.env['FREEHOLD_SOAK_FAILOVERS'] ?? 20);
const QUIET_MINUTES = Number(process.env['FREEHOLD_SOAK_MINUTES'] ?? 10);
const BUSY_PROCESSES = Number(process.env['FREEHOLD_SOAK_BUSY'] ?? 40);
const BUSY_MINUTES = Number(process.env['FREEHOLD_SOAK_BUSY_MINUTES'] ?? 5);
const LOOK_MS = 1_000;
const LAG_SECONDS = 10;
const steadyFor = (ms: number): Promise<void> => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

let plane: TestControlPlane;
let crowd: ChildProcess[] = [];
let busy: ChildProcess | undefined;

beforeAll(async () => {
  plane = await startControlPlane({ settings: { FREEHOLD_INSPECT_EVERY_MS: '1000', FREEHOLD_ALERT_LAG_SECONDS: `${LAG_SECONDS}`, FREEHOLD_BACKUPS_EVERY_MS: '2000' } });
});
afterEach(() => {
  for (const child of busy ? [busy, ...crowd] : crowd) child.kill('SIGKILL');
});
afterAll(() => plane?.stop());

describe('one database', () => {
  it(`fails over and switches over ${FAILOVERS} times in a row, loses nothing, and raises no alert`, async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const gaps: number[] = [];
    // Long enough for an age that counts from before a change of roles to be an alert.
    await steadyFor(1.2 * LAG_SECONDS * 1_000);
    for (let times = 0; times < FAILOVERS; times += 1) {
      const { longestGapMs } = await survive(database, 1, async () => void (await database.signal((await database.instance('primary')).id, 'SIGKILL')));
      gaps.push(Math.round(longestGapMs));
      await database.ended(await database.switchover());
      await database.settled();
      expect(await database.alerts()).toEqual([]);
    }
    process.stdout.write(`outages in ms: ${gaps.join(' ')}\n`);
    expect((await database.read()).epoch).toBe(1 + 2 * FAILOVERS);
    await database.delete();
  });
});

describe(`${BUSY_PROCESSES} busy processes, for ${BUSY_MINUTES} minutes`, () => {
  it('slow everything down, and make no watcher blind: nothing fails over, and no alert about a primary is raised', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const writer = await NumberedWriter.start(database.credentials.uri, { restMs: 20 });
    crowd = Array.from({ length: BUSY_PROCESSES }, () => spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' }));
    await steadyFor(BUSY_MINUTES * 60_000);
    for (const child of crowd) child.kill('SIGKILL');
    await database.settled(1);
    await writer.stop();
    expect((await database.alerts()).filter(({ kind }) => kind === 'primary' || kind === 'replication')).toEqual([]);
    expect((await database.operations()).map(({ kind }) => kind)).not.toContain('failover');
    expect((await database.operations()).map(({ kind }) => kind)).not.toContain('recover');
    await database.delete();
  });
});

describe(`${QUIET_MINUTES} quiet minutes`, () => {
  it('pass without a failover, an alert or a moment out of sync, though another process keeps a core busy', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const asked = async () => (await database.operations()).filter(({ requestedBy }) => requestedBy !== 'keeper').length;
    const before = await asked();
    const known = new Set((await alerts()).map(({ id }) => id));
    const writer = await NumberedWriter.start(database.credentials.uri, { restMs: 20 });
    busy = spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' });
    const until = Date.now() + QUIET_MINUTES * 60_000;
    while (Date.now() < until) {
      expect(await database.read()).toMatchObject({ state: 'available', inSync: true, epoch: 1 });
      expect((await alerts()).filter(({ id, subjectId }) => subjectId === database.id && !known.has(id))).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const report = await writer.stop();
    process.stdout.write(`${report.acknowledged.length} writes, the longest gap ${Math.round(report.longestGapMs)} ms, ${report.errors} errors\n`);
    expect(report.errors).toBe(0);
    expect(await asked()).toBe(before);
  });
});

const alerts = () => listAlerts(plane.app.get(Metadata).dataSource.manager, { limit: 200 });
