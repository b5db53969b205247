import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import pg from 'pg';
import { eventually, postgresBinaries } from '../support/servers.js';
import { BareBackups } from './support/bare-backrest.js';
import { type BenchDatabase, BenchFleet, stepSeconds } from './support/bench-fleet.js';
import { median, percentile, printTable, summarize } from './support/statistics.js';

/** Of the database that is dumped, backed up and restored. */
const MIB = Number(process.env.BENCH_MIB ?? 1024);
const RUNS = Number(process.env.BENCH_RUNS ?? 3);
/** Small ones that lose a data centre. */
const DATABASES = Number(process.env.BENCH_DATABASES ?? 20);
const MADE_AT_ONCE = 4;
/** What stays between two requests that measure how responsive the API is. */
const REST_MS = 5;
const IDLE_S = 10;
const ROW_BYTES = 1600;
const LONG_MS = 1_200_000;

let fleet: BenchFleet;
let customerId: string;

beforeAll(async () => {
  fleet = await BenchFleet.start({ FREEHOLD_HOST_MEMORY_MB: '65536' });
  customerId = await fleet.createCustomer();
});
afterAll(() => fleet?.remove());

/** Rows of hexadecimal digits: they compress about as well as text does. */
async function fill(target: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(target);
  await client.connect();
  await client.query('CREATE TABLE filled (n bigint PRIMARY KEY, text text NOT NULL)');
  const rows = Math.ceil((MIB * 1024 * 1024) / ROW_BYTES);
  await client.query(`INSERT INTO filled SELECT n, (SELECT string_agg(md5(n * 50 + i || ''), '') FROM generate_series(1, ${ROW_BYTES / 32}) i) FROM generate_series(1, ${rows}) n`);
  await client.query('CHECKPOINT').catch(() => undefined);
  await client.end();
}

interface Dumped {
  readonly seconds: number;
  readonly bytes: number;
}

const dumpThroughApi = ({ id }: BenchDatabase): Promise<Dumped> => runDump('curl', ['--silent', '--fail', '--header', `authorization: Bearer ${fleet.operatorKey}`, `${fleet.api}/v1/databases/${id}/dump`]);

const dumpBare = ({ uri }: BenchDatabase): Promise<Dumped> => runDump(join(postgresBinaries(), 'pg_dump'), ['--format=custom', '--dbname', uri]);

/** To a file, so that nothing passes through this process, which measures meanwhile. */
async function runDump(program: string, words: readonly string[]): Promise<Dumped> {
  const path = join(fleet.dataDir, '..', 'bench.dump');
  const file = openSync(path, 'w');
  const began = performance.now();
  const child = spawn(program, words, { stdio: ['ignore', file, 'inherit'] });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  const seconds = (performance.now() - began) / 1000;
  closeSync(file);
  if (code !== 0) throw new Error(`${program} failed with ${code}`);
  return { seconds, bytes: statSync(path).size };
}

/** Milliseconds that a small request takes, one after another, while something else goes on. */
async function responsiveness(path: string, meanwhile: Promise<unknown>): Promise<number[]> {
  const milliseconds: number[] = [];
  let over = false;
  const ended = meanwhile.finally(() => (over = true));
  while (!over) {
    const began = performance.now();
    await fleet.call('GET', path);
    milliseconds.push(performance.now() - began);
    await rest(REST_MS);
  }
  await ended;
  return milliseconds;
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Takes turns, so that both meet the same of what else goes on at this machine. */
async function compare<Result>(bare: () => Promise<Result>, ours: () => Promise<Result>): Promise<{ bare: Result[]; ours: Result[] }> {
  const results = { bare: [] as Result[], ours: [] as Result[] };
  for (let turn = 0; turn < RUNS; turn += 1) {
    results.bare.push(await bare());
    results.ours.push(await ours());
  }
  return results;
}

describe('a database', () => {
  it('is dumped, backed up and restored', { timeout: LONG_MS * 2 }, async () => {
    const floor = await BareBackups.make();
    try {
      await fill({ host: '127.0.0.1', port: floor.pair.primaryPort, user: 'postgres', database: 'app' });
      await measure(floor);
    } finally {
      await floor.remove();
    }
  });
});

async function measure(floor: BareBackups): Promise<void> {
  const database = await fleet.provision(customerId, 'large');
  await fill({ connectionString: database.uri });
  await fleet.quiet(database.id);
  const path = `/v1/databases/${database.id}`;
  const idle = await responsiveness(path, rest(IDLE_S * 1000));
  const dumps = await compare(() => dumpBare(database), () => dumpThroughApi(database));
  const backups = await compare(() => floor.backUp(), async () => stepSeconds(await fleet.run('POST', `${path}/backups`))['back-up']! / LIVE_SITES);
  const restores = await compare(() => restoreBare(floor), () => restoreToMoment(path));
  // Who asks all the time takes from what is measured, so that both are done once more.
  const duringDump = await responsiveness(path, dumpThroughApi(database));
  const duringBackup = await responsiveness(path, fleet.run('POST', `${path}/backups`));
  const secondsOf = (runs: readonly Dumped[]): number[] => runs.map(({ seconds }) => seconds);
  printTable(`A database of ${MIB} MiB (${RUNS} runs)`, [
    ['', 'Freehold, seconds', 'bare, seconds', 'ratio of medians'],
    row(`dump of ${(dumps.ours[0]!.bytes / 1024 / 1024).toFixed(0)} MiB: GET …/dump against pg_dump`, secondsOf(dumps.ours), secondsOf(dumps.bare)),
    row('full backup at one site: pgBackRest', backups.ours, backups.bare),
    row('restored to a moment, until it accepts writes: pgBackRest', restores.ours, restores.bare),
  ]);
  printTable('GET /v1/databases/{id} meanwhile', [['', 'p50, ms', 'p99, ms', 'p99 to idle'], ['idle', ...describeLatency(idle, idle)],
    ['dump', ...describeLatency(duringDump, idle)], ['backup', ...describeLatency(duringBackup, idle)]]);
  await fleet.run('DELETE', path);
}

/** Each is given the data anew. */
const LIVE_SITES = 3;

const row = (name: string, ours: readonly number[], bare: readonly number[]): string[] => [name, summarize(ours), summarize(bare), (median(ours) / median(bare)).toFixed(2)];
const describeLatency = (values: readonly number[], idle: readonly number[]): string[] =>
  [median(values).toFixed(1), percentile(values, 99).toFixed(1), (percentile(values, 99) / percentile(idle, 99)).toFixed(2)];

async function restoreToMoment(path: string): Promise<number> {
  const ended = await fleet.run('POST', `${path}/restore`, { time: new Date(Date.now() - 2000).toISOString(), into: 'new', name: `restored-${Math.random().toString(36).slice(2, 10)}` });
  await fleet.run('DELETE', `/v1/databases/${ended.databaseId}`);
  return stepSeconds(ended)['restore-primary']!;
}

async function restoreBare(floor: BareBackups): Promise<number> {
  // pgBackRest takes no backup that ended within the second of the target.
  await rest(1000);
  const target = new Date();
  await rest(1000);
  // As with Freehold, what comes after the moment is archived before the restore begins.
  const client = new pg.Client({ host: '127.0.0.1', port: floor.pair.primaryPort, user: 'postgres', database: 'app' });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS later (at timestamptz)');
  await client.query('INSERT INTO later VALUES (now())');
  const { rows } = await client.query<{ name: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS name');
  await eventually(async () => (await client.query<{ done: boolean }>('SELECT last_archived_wal >= $1 AS done FROM pg_stat_archiver', [rows[0]!.name])).rows[0]!.done, 60_000);
  await client.end();
  return floor.restore(target);
}

interface Host {
  readonly id: string;
  readonly region: string;
  readonly dataCenter: string;
}

interface Recovery {
  readonly databaseId: string;
  readonly rtoSeconds: number | null;
}

describe(`${DATABASES} small databases`, () => {
  it('lose both of their hosts', { timeout: LONG_MS }, async () => {
    const { data } = await fleet.call<{ data: Host[] }>('GET', '/v1/hosts?limit=100');
    const hosts = data.filter(({ region }) => region === 'americas');
    const lostCenter = hosts[0]!.dataCenter;
    // One host is left, with nothing on it: whatever it gets is restored.
    const [spare, ...others] = hosts.filter(({ dataCenter }) => dataCenter !== lostCenter);
    await fleet.run('POST', `/v1/hosts/${spare!.id}/drain`);
    const ids = await makeSmall();
    await Promise.all(ids.map((id) => fleet.quiet(id)));
    await fleet.call('POST', `/v1/hosts/${spare!.id}/undrain`);
    const lost = hosts.filter(({ id }) => id !== spare!.id);
    await destroy(ids, lost);
    const began = performance.now();
    const operations = await Promise.all([
      fleet.run('POST', `/v1/data-centers/${lostCenter}/lost`, { acceptDataLoss: true }), ...others.map(({ id }) => fleet.run('POST', `/v1/hosts/${id}/lost`, { acceptDataLoss: true })),
    ]);
    const seconds = (performance.now() - began) / 1000;
    await Promise.all(ids.map(writable));
    const recoveries = operations.flatMap((operation) => (operation.steps as readonly { detail?: { recoveries?: Recovery[] } }[]).flatMap(({ detail }) => detail?.recoveries ?? []));
    const rto = recoveries.flatMap(({ rtoSeconds }) => rtoSeconds ?? []);
    const steps = (await Promise.all(ids.map((id) => fleet.operationsOf(id, 'restore-in-place')))).flatMap((list) => list.slice(0, 1).map(stepSeconds));
    printTable(`${DATABASES} small databases restored after the loss of both of their hosts`, [
      ['', ''], ['all of them, seconds', seconds.toFixed(1)], ['databases a minute', ((DATABASES / seconds) * 60).toFixed(1)],
      ['RTO as reported, seconds', rto.length > 0 ? summarize(rto) : 'none reported'],
      ...Object.keys(steps[0] ?? {}).map((name) => [`step ${name}, seconds`, summarize(steps.flatMap((step) => step[name] ?? []))]),
    ]);
  });
});

async function makeSmall(): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: MADE_AT_ONCE }, async () => {
    while (next < DATABASES) ids.push((await fleet.provision(customerId, `small-${(next += 1)}`, 'americas')).id);
  }));
  return ids;
}

/** Ends every server of these hosts, and removes their disks; what is just being started there goes with the next try. */
async function destroy(databaseIds: readonly string[], hosts: readonly Host[]): Promise<void> {
  await eventually(async () => {
    await fleet.killServers(databaseIds, hosts.map(({ id }) => id));
    for (const { id } of hosts) rmSync(join(fleet.dataDir, 'hosts', id), { recursive: true, force: true, maxRetries: 2 });
    return true;
  });
}

async function writable(id: string): Promise<void> {
  await eventually(async () => ['available', 'degraded'].includes((await fleet.readDatabase(id)).state), LONG_MS, 500);
}
