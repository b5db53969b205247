import { afterAll, beforeAll, describe, it } from 'vitest';
import pg from 'pg';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { signalAll } from '../support/signal-all.js';
import { makeBarePair } from '../support/bare-postgres.js';
import { type BenchDatabase, BenchFleet, type BenchOperation, requireRows, serverProcesses, stepSeconds } from './support/bench-fleet.js';
import { postmasterOf, processTree } from './support/memory.js';
import { median, percentile, printTable, summarize } from './support/statistics.js';

/** Thirty, as the promise is worded; fewer for a quick look. */
const KILLS = Number(process.env.BENCH_RUNS ?? 30);
const HANGS = Number(process.env.BENCH_HANGS ?? 5);
const SWITCHOVERS = Number(process.env.BENCH_SWITCHOVERS ?? 15);
const FLOORS = 5;

let fleet: BenchFleet;
let customerId: string;

beforeAll(async () => {
  fleet = await BenchFleet.start();
  customerId = await fleet.createCustomer();
});
afterAll(() => fleet?.remove());

const primaryProcesses = async (id: string): Promise<number[]> => {
  const primary = (await fleet.readDatabase(id)).instances.find(({ role }) => role === 'primary')!;
  return serverProcesses([primary.id]);
};

interface Outage {
  readonly seconds: number;
  readonly redundantSeconds: number;
  /** Where the time goes, in seconds, from the fault to the first write. */
  readonly parts: Readonly<Record<string, number>>;
}

/** Injects a fault under a writer, and measures the writer's longest silence and the time until all is redundant again. */
async function measureOutage(database: BenchDatabase, signal: NodeJS.Signals): Promise<Outage> {
  const { epoch } = await fleet.readDatabase(database.id);
  const writer = await NumberedWriter.start(database.uri);
  await eventually(() => writer.count > 20);
  const pids = await primaryProcesses(database.id);
  writer.resetGap();
  const began = Date.now();
  signalAll(pids, signal);
  await fleet.redundant({ id: database.id, epoch: epoch + 1 });
  const redundantSeconds = (Date.now() - began) / 1000;
  const report = await writer.stop();
  await requireRows(database.uri, report);
  const [operation] = await fleet.operationsOf(database.id, 'failover');
  return { seconds: report.longestGapMs / 1000, redundantSeconds, parts: operation ? partsOf(operation, began, report.longestGapEndedAtMs) : {} };
}

function partsOf(operation: BenchOperation, faultAt: number, writtenAt: number): Record<string, number> {
  const at = (time: string | null | undefined): number => Date.parse(time ?? '');
  const route = operation.steps.find(({ name }) => name === 'route');
  return {
    'fault to request': (at(operation.createdAt) - faultAt) / 1000,
    'request to first step': (at(operation.steps[0]?.startedAt) - at(operation.createdAt)) / 1000,
    ...stepSeconds(operation),
    'route to first write': (writtenAt - at(route?.finishedAt)) / 1000,
  };
}

async function floorSeconds(): Promise<number> {
  const pair = await makeBarePair({ wal_retrieve_retry_interval: '200ms' });
  const standby = new pg.Client({ host: '127.0.0.1', port: pair.standbyPort, user: 'postgres', database: 'app' });
  await standby.connect();
  const began = performance.now();
  signalAll(processTree(postmasterOf(pair.primaryDirectory)), 'SIGKILL');
  await standby.query('SELECT pg_promote(false)');
  await eventually(async () => {
    await standby.query('CREATE TABLE IF NOT EXISTS written AS SELECT 1');
    return true;
  });
  const seconds = (performance.now() - began) / 1000;
  await standby.end();
  await pair.stop();
  return seconds;
}

const spread = (values: readonly number[]): string => `${summarize(values, 3)}, p95 ${percentile(values, 95).toFixed(3)}`;

/** One fault after another; each begins when the database is redundant, and idle as well unless it is to be hit while it is backed up. */
async function repeat(database: BenchDatabase, times: number, signal: NodeJS.Signals, { idle }: { idle: boolean }): Promise<Outage[]> {
  const outages: Outage[] = [];
  for (let run = 0; run < times; run += 1) {
    if (idle) await fleet.quiet(database.id);
    outages.push(await measureOutage(database, signal));
  }
  return outages;
}

const secondsOf = (outages: readonly Outage[]): number[] => outages.map(({ seconds }) => seconds);

describe('failover', () => {
  it('of a killed and of a hung primary', async () => {
    const floors: number[] = [];
    for (let run = 0; run < FLOORS; run += 1) floors.push(await floorSeconds());
    const database = await fleet.provision(customerId, 'target');
    const killed = await repeat(database, KILLS, 'SIGKILL', { idle: true });
    const hung = await repeat(database, HANGS, 'SIGSTOP', { idle: true });
    const busy = await repeat(database, HANGS, 'SIGKILL', { idle: false });
    printTable(`Outage of one writer on the session endpoint (${KILLS} kills, ${HANGS} hangs)`, [
      ['', 'seconds'], ['floor: kill, pg_promote, first write', spread(floors)],
      ['primary killed: outage', spread(secondsOf(killed))], ['primary killed: redundant again', spread(killed.map(({ redundantSeconds }) => redundantSeconds))],
      [`primary killed as soon as it is redundant, ${HANGS} times: outage`, spread(secondsOf(busy))],
      ['primary hung: outage', spread(secondsOf(hung))],
      ['ratio of medians, killed to floor', (median(secondsOf(killed)) / median(floors)).toFixed(1)],
    ]);
    printTable('Where the time goes when it is killed', [['part', 'seconds'],
      ...Object.keys(killed[0]?.parts ?? {}).map((name) => [name, summarize(killed.flatMap(({ parts }) => parts[name] ?? []), 3)])]);
  });
});

describe('switchover', () => {
  it('is seen by one writer on each endpoint', async () => {
    const database = await fleet.provision(customerId, 'planned');
    const rows: string[][] = [['endpoint', 'longest pause, seconds', 'client errors a switchover', 'the whole, seconds']];
    for (const [name, uri] of [['pooled', database.pooledUri], ['session', database.uri]] as const) {
      const runs: Switch[] = [];
      for (let run = 0; run < SWITCHOVERS; run += 1) runs.push(await measureSwitchover(database, uri));
      rows.push([name, spread(runs.map(({ seconds }) => seconds)), (runs.reduce((sum, { errors }) => sum + errors, 0) / SWITCHOVERS).toFixed(2),
        summarize(runs.map(({ redundantSeconds }) => redundantSeconds))]);
    }
    const operations = (await fleet.operationsOf(database.id, 'switchover')).map(stepSeconds);
    printTable(`Planned switchover (${SWITCHOVERS} each)`, rows);
    printTable('Where its time goes', [['step', 'seconds'],
      ...Object.keys(operations[0] ?? {}).map((name) => [name, summarize(operations.flatMap((steps) => steps[name] ?? []), 3)])]);
  });
});

interface Switch {
  readonly seconds: number;
  readonly redundantSeconds: number;
  readonly errors: number;
}

async function measureSwitchover(database: BenchDatabase, uri: string): Promise<Switch> {
  await fleet.quiet(database.id);
  const writer = await NumberedWriter.start(uri);
  await eventually(() => writer.count > 20);
  writer.resetGap();
  const began = Date.now();
  await fleet.switchOver(database.id);
  const redundantSeconds = (Date.now() - began) / 1000;
  const report = await writer.stop();
  await requireRows(database.uri, report);
  return { seconds: report.longestGapMs / 1000, redundantSeconds, errors: report.errors };
}
