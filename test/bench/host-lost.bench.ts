import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { processesOf } from '../support/freehold-command.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { type BenchDatabase, BenchFleet, requireRows } from './support/bench-fleet.js';
import { processTree } from './support/memory.js';
import { median, percentile, printTable } from './support/statistics.js';

/** Primaries on the host that is lost; each pair takes about 35 MB of memory. */
const SIZES = (process.env.BENCH_SIZES ?? '5,10,20,40').split(',').map(Number);
const CRASHES = 5;
/** Idle databases that are watched, and for how long. */
const WATCHED = Number(process.env.BENCH_WATCHED ?? 50);
const WATCHED_S = Number(process.env.BENCH_WATCHED_S ?? 60);
/** Pairs that are made at once. */
const MADE_AT_ONCE = 4;
/** So that the clients of many databases do not take the machine that is to bring them back. */
const WRITER_REST_MS = 100;
const TICKS_PER_SECOND = 100;

let fleet: BenchFleet;
let customerId: string;
/** What the worker takes of a core without a database, in percent. */
let unwatched: number;
const databases: BenchDatabase[] = [];

beforeAll(async () => {
  fleet = await BenchFleet.start({ FREEHOLD_HOST_MEMORY_MB: '65536' });
  unwatched = await shareOfACore(() => [workerPid()]);
  customerId = await fleet.createCustomer();
  // Two hosts are left to place databases on: one of them will have all the primaries.
  const { data } = await fleet.call<{ data: { id: string; region: string; dataCenter: string }[] }>('GET', '/v1/hosts?limit=100');
  const kept = new Map<string, string>();
  for (const { id, dataCenter } of data.filter(({ region }) => region === 'europe')) {
    if (!kept.has(dataCenter) && kept.size < 2) kept.set(dataCenter, id);
    else await fleet.call('POST', `/v1/hosts/${id}/drain`);
  }
});
afterAll(() => fleet?.remove());

const hostOfPrimary = async (id: string): Promise<string> => (await fleet.readDatabase(id)).instances.find(({ role }) => role === 'primary')!.host;
async function provideDatabases(count: number): Promise<void> {
  let next = databases.length;
  const make = async (): Promise<void> => {
    while (next < count) databases.push(await fleet.provision(customerId, `shop-${(next += 1)}`));
  };
  await Promise.all(Array.from({ length: MADE_AT_ONCE }, make));
}

/** A full backup follows everything that was done until now. */
const rest = (): Promise<unknown> => Promise.all(databases.map(({ id }) => fleet.quiet(id)));

/** Moves every primary to the host that has most of them already. */
async function gatherPrimaries(): Promise<string> {
  const hosts = await Promise.all(databases.map(({ id }) => hostOfPrimary(id)));
  const host = [...hosts].sort((a, b) => hosts.filter((each) => each === b).length - hosts.filter((each) => each === a).length)[0]!;
  for (const [index, { id }] of databases.entries()) {
    if (hosts[index] === host) continue;
    await fleet.switchOver(id);
  }
  return host;
}

interface Loss {
  readonly outages: readonly number[];
  readonly redundantSeconds: number;
  /** Seconds from the loss to the end of each step, of every database. */
  readonly steps: ReadonlyMap<string, readonly number[]>;
}

async function measureLoss(host: string): Promise<Loss> {
  const before = await Promise.all(databases.map(({ id }) => fleet.readDatabase(id)));
  const writers = await Promise.all(databases.map(({ uri }) => NumberedWriter.start(uri, { restMs: WRITER_REST_MS })));
  await eventually(() => writers.every(({ count }) => count > 20), 60_000);
  for (const writer of writers) writer.resetGap();
  const began = performance.now();
  const lostAt = Date.now();
  await fleet.killServers(databases.map(({ id }) => id), [host]);
  await fleet.redundant(...before.map(({ id, epoch }) => ({ id, epoch: epoch + 1 })));
  const redundantSeconds = (performance.now() - began) / 1000;
  const reports = await Promise.all(writers.map((writer) => writer.stop()));
  await Promise.all(databases.map(({ uri }, index) => requireRows(uri, reports[index]!)));
  return { outages: reports.map(({ longestGapMs }) => longestGapMs / 1000), redundantSeconds, steps: await stepEnds(lostAt) };
}

async function stepEnds(lostAt: number): Promise<Map<string, number[]>> {
  const ends = new Map<string, number[]>();
  for (const { id } of databases) {
    const [failover] = await fleet.operationsOf(id, 'failover');
    const events = [{ name: 'requested', at: failover!.createdAt }, ...failover!.steps.map(({ name, finishedAt }) => ({ name, at: finishedAt }))];
    for (const { name, at } of events) if (at !== null) ends.set(name, [...(ends.get(name) ?? []), (Date.parse(at) - lostAt) / 1000]);
  }
  return ends;
}

/** Processor time that processes have used, in seconds. */
function processorSeconds(pids: readonly number[]): number {
  return pids.map((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
      return (user! + system!) / TICKS_PER_SECOND;
    } catch {
      return 0;
    }
  }).reduce((sum, seconds) => sum + seconds, 0);
}

async function shareOfACore(pids: () => readonly number[]): Promise<number> {
  const before = processorSeconds(pids());
  await new Promise((resolve) => setTimeout(resolve, WATCHED_S * 1000));
  return ((processorSeconds(pids()) - before) / WATCHED_S) * 100;
}

const workerPid = (): number => (JSON.parse(readFileSync(join(fleet.dataDir, 'control/run/worker.json'), 'utf8')) as { pid: number }).pid;
const show = (seconds: number): string => seconds.toFixed(2);

describe('a fleet', () => {
  it('loses a host with many primaries', async () => {
    const losses = [['primaries', 'median outage, seconds', 'p95', 'worst', 'all redundant again']];
    const steps = [['primaries', 'step', 'ended after: median, seconds', 'worst']];
    for (const size of SIZES) {
      await provideDatabases(size);
      const host = await gatherPrimaries();
      await rest();
      const loss = await measureLoss(host);
      losses.push([String(size), show(median(loss.outages)), show(percentile(loss.outages, 95)), show(Math.max(...loss.outages)), show(loss.redundantSeconds)]);
      for (const [name, seconds] of loss.steps) steps.push([String(size), name, show(median(seconds)), show(Math.max(...seconds))]);
    }
    printTable('A host is lost: the longest silence of one writer a database', losses);
    printTable('The failovers of it, from the loss on', steps);
  });

  it('is watched', async () => {
    await provideDatabases(WATCHED);
    await rest();
    const share = await shareOfACore(() => [workerPid()]);
    printTable(`Processor time of watching, over ${WATCHED_S} s without a client`, [
      ['databases', 'the worker, % of a core', 'per database'], ['0', unwatched.toFixed(1), '-'], [String(databases.length), share.toFixed(1), ((share - unwatched) / databases.length).toFixed(2)]]);
  });

  it('sees a backend crash: PostgreSQL restarts by itself', async () => {
    const database = databases[0] ?? await fleet.provision(customerId, 'crash');
    const gaps: number[] = [];
    for (let run = 0; run < CRASHES; run += 1) {
      const { epoch, instances } = await fleet.readDatabase(database.id);
      const primary = instances.find(({ role }) => role === 'primary')!;
      const writer = await NumberedWriter.start(database.uri);
      await eventually(() => writer.count > 20);
      writer.resetGap();
      // A backend that has just been forked has its postmaster's command line, and no children.
      const [postmasterTree] = processesOf([primary.id]).filter(({ command }) => command.includes('/bin/postgres'))
        .map(({ pid }) => processTree(pid)).sort((a, b) => b.length - a.length);
      process.kill(postmasterTree!.at(-1)!, 'SIGKILL');
      const { count } = writer;
      await eventually(() => writer.count > count + 20);
      gaps.push((await writer.stop()).longestGapMs / 1000);
      await fleet.redundant({ id: database.id, epoch });
    }
    printTable(`A backend crashes (${CRASHES} times)`, [['', 'seconds'], ['outage: median', show(median(gaps))], ['worst', show(Math.max(...gaps))]]);
  });
});
