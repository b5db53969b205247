import { afterAll, beforeAll, describe, it } from 'vitest';
import pg from 'pg';
import { processesOf } from '../support/freehold-command.js';
import { lostRows, NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { makeBarePair } from './support/bare-postgres.js';
import { type BenchDatabase, BenchFleet, type BenchOperation, stepSeconds } from './support/bench-fleet.js';
import { postmasterOf, processTree } from './support/memory.js';
import { median, percentile, printTable, summarize } from './support/statistics.js';

/** Thirty, as the promise is worded; fewer for a quick look. */
const KILLS = Number(process.env.BENCH_RUNS ?? 30);
const HANGS = Number(process.env.BENCH_HANGS ?? 5);
const SWITCHOVERS = 15;
const FLOORS = 5;
const SETTLED_MS = 60_000;

interface State {
  readonly state: string;
  readonly epoch: number;
  readonly instances: readonly { readonly id: string; readonly role: string }[];
}

let fleet: BenchFleet;
let customerId: string;

beforeAll(async () => {
  fleet = await BenchFleet.start();
  customerId = await fleet.createCustomer();
});
afterAll(() => fleet?.remove());

const read = (id: string): Promise<State> => fleet.call('GET', `/v1/databases/${id}`);
const settled = (id: string, epoch: number): Promise<State> => eventually(async () => {
  const database = await read(id);
  return database.state === 'available' && database.epoch === epoch && database;
}, SETTLED_MS);

const primaryProcesses = async (id: string): Promise<number[]> => {
  const primary = (await read(id)).instances.find(({ role }) => role === 'primary')!;
  const postmaster = processesOf([primary.id]).find(({ command }) => command.includes('/bin/postgres'))!;
  return processTree(postmaster.pid);
};

interface Outage {
  readonly seconds: number;
  readonly redundantSeconds: number;
  readonly operation: BenchOperation | undefined;
}

/** Injects a fault under a writer, and measures the writer's longest silence and the time until all is redundant again. */
async function measureOutage(database: BenchDatabase, epoch: number, signal: NodeJS.Signals): Promise<Outage> {
  const writer = await NumberedWriter.start(database.uri);
  await eventually(() => writer.count > 20);
  writer.resetGap();
  const began = performance.now();
  for (const pid of await primaryProcesses(database.id)) {
    try {
      process.kill(pid, signal);
    } catch {
      // A backend ended with its postmaster.
    }
  }
  await settled(database.id, epoch);
  const redundantSeconds = (performance.now() - began) / 1000;
  const report = await writer.stop();
  const lost = await lostRows(database.uri, report);
  if (lost.length > 0) throw new Error(`acknowledged rows were lost: ${lost.join()}`);
  const { data } = await fleet.call<{ data: BenchOperation[] }>('GET', `/v1/operations?databaseId=${database.id}&kind=failover&limit=1`);
  return { seconds: report.longestGapMs / 1000, redundantSeconds, operation: data[0] };
}

async function floorSeconds(): Promise<number> {
  const pair = await makeBarePair({ wal_retrieve_retry_interval: '200ms' });
  const standby = new pg.Client({ host: '127.0.0.1', port: pair.standbyPort, user: 'postgres', database: 'app' });
  await standby.connect();
  const began = performance.now();
  for (const pid of processTree(postmasterOf(pair.primaryDirectory))) process.kill(pid, 'SIGKILL');
  await standby.query('SELECT pg_promote(false)');
  await eventually(async () => {
    await standby.query('CREATE TABLE IF NOT EXISTS written AS SELECT 1');
    return true;
  });
  const seconds = (performance.now() - began) / 1000;
  await standby.end();
  await pair.stop().catch(() => undefined);
  return seconds;
}

const spread = (values: readonly number[]): string => `${summarize(values, 3)}, p95 ${percentile(values, 95).toFixed(3)}`;

describe('failover', () => {
  it('of a killed and of a hung primary', async () => {
    const floors: number[] = [];
    for (let run = 0; run < FLOORS; run += 1) floors.push(await floorSeconds());
    const database = await fleet.provision(customerId, 'target');
    const killed: Outage[] = [];
    let epoch = 1;
    for (let run = 0; run < KILLS; run += 1) killed.push(await measureOutage(database, (epoch += 1), 'SIGKILL'));
    const hung: Outage[] = [];
    for (let run = 0; run < HANGS; run += 1) hung.push(await measureOutage(database, (epoch += 1), 'SIGSTOP'));
    printTable(`Outage of one writer on the session endpoint (${KILLS} kills, ${HANGS} hangs)`, [
      ['', 'seconds'], ['floor: kill, pg_promote, first write', spread(floors)],
      ['primary killed: outage', spread(killed.map(({ seconds }) => seconds))], ['primary killed: redundant again', spread(killed.map(({ redundantSeconds }) => redundantSeconds))],
      ['primary hung: outage', spread(hung.map(({ seconds }) => seconds))],
      ['ratio of medians, killed to floor', (median(killed.map(({ seconds }) => seconds)) / median(floors)).toFixed(1)],
    ]);
    const steps = killed.flatMap(({ operation }) => (operation ? [stepSeconds(operation)] : []));
    const names = Object.keys(steps[0] ?? {});
    printTable('Where the time goes', [['step', 'seconds'],
      ['request to first step', summarize(killed.flatMap(({ operation }) => (operation?.steps[0]?.startedAt ? [(Date.parse(operation.steps[0].startedAt) - Date.parse(operation.createdAt)) / 1000] : [])), 3)],
      ...names.map((name) => [name, summarize(steps.flatMap((step) => step[name] ?? []), 3)])]);
  });
});

describe('switchover', () => {
  it('is seen by one writer on each endpoint', async () => {
    const database = await fleet.provision(customerId, 'planned');
    const rows: string[][] = [['endpoint', 'longest pause, seconds', 'client errors a switchover']];
    let epoch = 1;
    for (const [name, uri] of [['pooled', database.pooledUri], ['session', database.uri]] as const) {
      const gaps: number[] = [];
      let errors = 0;
      for (let run = 0; run < SWITCHOVERS; run += 1) {
        const writer = await NumberedWriter.start(uri);
        await eventually(() => writer.count > 20);
        writer.resetGap();
        await fleet.call('POST', `/v1/databases/${database.id}/switchover`);
        await settled(database.id, (epoch += 1));
        const report = await writer.stop();
        const lost = await lostRows(database.uri, report);
        if (lost.length > 0) throw new Error(`acknowledged rows were lost: ${lost.join()}`);
        gaps.push(report.longestGapMs / 1000);
        errors += report.errors;
      }
      rows.push([name, spread(gaps), (errors / SWITCHOVERS).toFixed(2)]);
    }
    printTable(`Planned switchover (${SWITCHOVERS} each)`, rows);
  });
});
