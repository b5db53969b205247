import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SELDOM_MS, WRITE_EVERY_MS } from '../../src/uptime/choose-probes.js';
import { openLocalHarness } from '../conformance/local-harness.js';
import { describeDatabase, provision, type TestDatabase } from '../conformance/harness.js';
import { printTable, summarize } from './support/statistics.js';

/** What it costs to probe an endpoint, in processor time of everybody who takes part, and so what a hundred of them cost. */

const PROBES = Number(process.env.BENCH_RUNS ?? 200);
const ENDPOINTS = 100;
/** Of `/proc/PID/stat`, on every Linux that there is. */
const TICKS_PER_SECOND = 100;
/** On the average; an endpoint's own share makes it up to a quarter more. */
const MEAN_MS = SELDOM_MS * 1.125;

let harness: Awaited<ReturnType<typeof openLocalHarness>>;
let database: TestDatabase;

beforeAll(async () => {
  harness = await openLocalHarness();
  database = describeDatabase(harness.engine);
  await provision(harness.engine, database);
});
afterAll(() => harness?.close());

/** Processor seconds of the fleet's own processes, and of their children that have ended. */
function fleetSeconds(): number {
  const own = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(harness.root)) return [];
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
      return [fields[11]! + fields[12]! + fields[13]! + fields[14]!];
    } catch {
      return [];
    }
  });
  return own.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND;
}

async function measure(write: boolean): Promise<{ ownMs: number; fleetMs: number; tookMs: number[] }> {
  const tookMs: number[] = [];
  const [ownBefore, fleetBefore] = [process.cpuUsage(), fleetSeconds()];
  for (let probe = 0; probe < PROBES; probe += 1) {
    const found = await harness.engine.gateway.probe!(database.spec, { write }, AbortSignal.timeout(10_000));
    if (found.state !== 'up') throw new Error(`the endpoint was ${found.state}`);
    tookMs.push(found.tookMs);
  }
  const { user, system } = process.cpuUsage(ownBefore);
  return { ownMs: (user + system) / 1000 / PROBES, fleetMs: ((fleetSeconds() - fleetBefore) * 1000) / PROBES, tookMs };
}

describe('probes of endpoints', () => {
  it('cost', async () => {
    await measure(false);
    const [read, written] = [await measure(false), await measure(true)];
    const row = (name: string, { ownMs, fleetMs, tookMs }: typeof read): string[] => [name, summarize(tookMs, 0), ownMs.toFixed(1), fleetMs.toFixed(1)];
    const perProbeMs = read.ownMs + read.fleetMs;
    const writesShare = MEAN_MS / WRITE_EVERY_MS;
    const costMs = perProbeMs + writesShare * (written.ownMs + written.fleetMs - perProbeMs);
    printTable(`${PROBES} probes one after the other`, [['probe', 'ms', 'processor ms of the worker', 'of the fleet'], row('reads', read), row('writes', written)]);
    process.stdout.write(`\n${ENDPOINTS} endpoints, all well: ${((ENDPOINTS * costMs) / MEAN_MS * 100).toFixed(2)} % of a core\n`);
  });
});
