import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DumpsService } from '../../src/backups/dumps/dumps.service.js';
import type { Credentials } from '../../src/databases/database.schemas.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import { DatabasesService } from '../../src/databases/databases.service.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { Random } from '../support/random.js';
import { DatabaseUnderTest, isWhole } from '../support/database-under-test.js';

const MOMENTS = Number(process.env['FREEHOLD_SOAK_MOMENTS'] ?? 20);
const SEED = Number(process.env['FREEHOLD_SOAK_SEED'] ?? Date.now() % 1_000_000);
const WHOLE_MS = 600_000;
/** How long is written before and after the failover. */
const AROUND_MS = 20_000;
const asker = { id: 'key_test', reach: EVERYTHING, requestId: null };

let plane: TestControlPlane;
let database: DatabaseUnderTest;
let writer: NumberedWriter;
let watching: NodeJS.Timeout;
/** How many rows were acknowledged when; this machine has one clock, by which its servers go too. */
const seen: { at: number; count: number }[] = [];

beforeAll(async () => {
  process.stdout.write(`FREEHOLD_SOAK_SEED=${SEED}\n`);
  plane = await startControlPlane({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '500' } });
  database = await DatabaseUnderTest.provision(plane);
  writer = await NumberedWriter.start(database.credentials.uri);
  watching = setInterval(() => seen.push({ at: Date.now(), count: writer.count }), 2);
});
afterAll(async () => {
  clearInterval(watching);
  await writer?.stop();
  await plane?.stop();
});

const wholeBackups = async (): Promise<number> => (await database.backups()).filter(isWhole).length;

/** What was restored is all that was acknowledged by that time, and nothing that was written after it; then it goes. */
async function expectStateAt(time: Date, { id, credentials }: { id: string; credentials: Credentials }, acknowledged: readonly number[]): Promise<number> {
  const count = seen.findLast(({ at }) => at <= time.getTime())?.count ?? 0;
  const client = new pg.Client(credentials.uri);
  await client.connect();
  const { rows } = await client.query<{ n: string; late: boolean }>(`SELECT n, at > $1 AS late FROM numbers`, [time]);
  await client.end();
  const restored = new Set(rows.map(({ n }) => Number(n)));
  expect(acknowledged.slice(0, count).filter((number) => !restored.has(number)), `acknowledged by ${time.toISOString()}`).toEqual([]);
  expect(rows.filter(({ late }) => late), `written after ${time.toISOString()}`).toEqual([]);
  const gone = await plane.app.get(Metadata).transaction((tx) => plane.app.get(DatabasesService).delete(tx, { id, asker }));
  await plane.app.get(OperationsService).announce(gone.operation);
  await database.ended(gone.operation);
  return rows.length;
}

/** Reads a dump to its end; answers with the numbers that are in it. */
async function dumpNumbers(): Promise<Set<number>> {
  const script = spawn('pg_restore', ['--data-only', '--table=numbers', '--file=-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const text = script.stdout.toArray();
  const closed = once(script, 'close');
  (await plane.app.get(DumpsService).open(await database.read(), AbortSignal.timeout(WHOLE_MS))).pipe(script.stdin);
  const lines = Buffer.concat(await text as Buffer[]).toString().split('\n');
  expect(await closed).toEqual([0, null]);
  return new Set(lines.filter((line) => /^\d+\t/.test(line)).map((line) => Number.parseInt(line)));
}

describe('a database that is written to as fast as it goes', () => {
  it('is backed up, dumped and restored at the same time, each whole, and writes on meanwhile', async () => {
    await eventually(async () => (await wholeBackups()) > 0, WHOLE_MS);
    await eventually(() => writer.count > 5_000, WHOLE_MS);
    const [before, time, whole] = [writer.count, new Date(), await wholeBackups()];
    await eventually(() => writer.count > before + 100);
    const asked = await database.requestBackup();
    const [dumped, restored, backup] = await Promise.all([dumpNumbers(), database.restoreTo(time), database.ended(asked)]);
    expect(backup).toMatchObject({ state: 'succeeded' });
    expect(await wholeBackups()).toBeGreaterThan(whole);
    const { acknowledged, errors } = writer.round();
    expect(acknowledged.slice(0, before).filter((number) => !dumped.has(number))).toEqual([]);
    await expectStateAt(time, restored, acknowledged);
    expect(errors).toBe(0);
    process.stdout.write(`${writer.count - before} rows were written meanwhile, and ${dumped.size} were dumped\n`);
  });
});

describe(`a restore to each of ${MOMENTS} moments around a failover`, () => {
  it('gives exactly what was acknowledged by then', async () => {
    const begin = Date.now();
    const passed = (sinceMs: number): Promise<unknown> => eventually(() => Date.now() - sinceMs >= AROUND_MS, 2 * AROUND_MS);
    await passed(begin);
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await database.settled(2);
    await passed(Date.now());
    const end = Date.now();
    await eventually(() => (seen.at(-1)?.at ?? 0) > end);
    const { acknowledged } = await writer.stop();
    const random = new Random(SEED);
    const times = Array.from({ length: MOMENTS }, () => new Date(random.whole(begin, end)));
    for (const time of times) process.stdout.write(`${time.toISOString()}: ${await expectStateAt(time, await database.restoreTo(time), acknowledged)} rows\n`);
  });
});
