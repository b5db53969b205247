import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Metadata } from '../../src/metadata/metadata.js';
import { listAlerts } from '../../src/operations/alerts.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { DatabaseUnderTest } from './support/database-under-test.js';
import { survive } from './support/survive.js';

const FAILOVERS = Number(process.env['FREEHOLD_SOAK_FAILOVERS'] ?? 20);
const QUIET_MINUTES = Number(process.env['FREEHOLD_SOAK_MINUTES'] ?? 10);
const LOOK_MS = 1_000;

let plane: TestControlPlane;
let busy: ChildProcess | undefined;

beforeAll(async () => {
  plane = await startControlPlane();
});
afterEach(() => busy?.kill('SIGKILL'));
afterAll(() => plane?.stop());

describe('one database', () => {
  it(`fails over ${FAILOVERS} times in a row, and loses nothing`, async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const gaps: number[] = [];
    for (let times = 0; times < FAILOVERS; times += 1) {
      const { longestGapMs } = await survive(database, 1, async () => void (await database.signal((await database.instance('primary')).id, 'SIGKILL')));
      gaps.push(Math.round(longestGapMs));
    }
    process.stdout.write(`outages in ms: ${gaps.join(' ')}\n`);
    expect((await database.read()).epoch).toBe(1 + FAILOVERS);
    await database.delete();
  });
});

describe(`${QUIET_MINUTES} quiet minutes`, () => {
  it('pass without a failover, an alert or a moment out of sync, though another process keeps a core busy', async () => {
    const database = await DatabaseUnderTest.provision(plane);
    const before = (await database.operations()).length;
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
    expect((await database.operations()).length).toBe(before);
  });
});

const alerts = () => listAlerts(plane.app.get(Metadata).dataSource.manager, { limit: 200 });
