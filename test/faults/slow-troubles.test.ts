import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { DumpsService } from '../../src/backups/dumps/dumps.service.js';
import { DatabasesService } from '../../src/databases/databases.service.js';
import { FleetWatch } from '../../src/health/fleet-watch.js';
import { Metadata } from '../../src/metadata/metadata.js';
import type { Credentials } from '../../src/databases/database.schemas.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';

const LAG_SECONDS = 2;
/** WAL that a slot may keep in this test; its writer needs a moment for more. */
const SLOT_MB = 24;
const MIB = 2 ** 20;
/** Less than a pause that is in vain takes, and more than an answer does on a busy machine. */
const HELD_UP_MS = 4_500;
/** A look takes half a second at most. */
const LATE_MS = 700;
const LATE_FOR_MS = 8_000;

let plane: TestControlPlane;
let database: DatabaseUnderTest;
let primary: string;
let standby: string;

beforeAll(async () => {
  plane = await startControlPlane({
    settings: { FREEHOLD_INSPECT_EVERY_MS: '250', FREEHOLD_ALERT_LAG_SECONDS: `${LAG_SECONDS}`, FREEHOLD_ALERT_TRANSACTION_SECONDS: '1' },
  });
  database = await DatabaseUnderTest.provision(plane);
  primary = (await database.instance('primary')).id;
  standby = (await database.instance('standby')).id;
});
afterAll(() => plane?.stop());

const raised = (kind: string, severity?: string) => eventually(async () => {
  const [alert] = await database.openAlerts(kind);
  return alert && (severity === undefined || alert.severity === severity) && alert;
});
const resolved = (...kinds: string[]) => eventually(async () => (await Promise.all(kinds.map((kind) => database.openAlerts(kind)))).every((open) => open.length === 0));
/** Both of two inspections have been recorded: something may have to be seen twice before it is told. */
async function inspectedAgain(): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    await plane.app.get(Metadata).dataSource.query('UPDATE instances SET lag_bytes = -1 WHERE database_id = $1 AND role = $2', [database.id, 'standby']);
    await eventually(async () => (await lagOfStandby()).lagBytes !== -1);
  }
}
const lagOfStandby = async () => (await database.instance('standby'));
const writeWal = (mebibytes: number) => database.asControl(primary, ...Array.from({ length: mebibytes }, () => `SELECT pg_logical_emit_message(false, 'test', repeat('x', ${MIB}))`));

/** A dump as SQL. */
async function scriptOf(dump: Readable): Promise<string> {
  const script = spawn('pg_restore', ['--file=-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [text, closed] = [script.stdout.toArray(), once(script, 'close')];
  dump.pipe(script.stdin);
  const whole = Buffer.concat(await text as Buffer[]).toString();
  expect(await closed).toEqual([0, null]);
  return whole;
}

/** What goes wrong slowly is seen, said, and taken back by itself when it is over. One database goes through it all. */
describe('operators are alerted of', () => {
  it('a transaction that stays open', async () => {
    const client = new pg.Client(database.credentials.uri);
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT txid_current()');
    expect(await raised('transaction')).toMatchObject({ severity: 'warning', message: expect.stringContaining(primary) as string });
    await client.query('COMMIT');
    await resolved('transaction');
    await client.end();
  });

  it('a dump that nobody reads; it is whole once somebody does, whatever DDL came meanwhile', async () => {
    const client = new pg.Client(database.credentials.uri);
    await client.connect();
    // More than the buffers on the way hold.
    await client.query(`CREATE TABLE a_large AS SELECT n, sha512(n::text::bytea) AS noise FROM generate_series(1, 100000) n`);
    await client.query('CREATE UNLOGGED TABLE scratch AS SELECT 4711 AS n; CREATE TABLE kept AS SELECT 4712 AS n; CREATE TABLE grown AS SELECT 4713 AS n; CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM kept');
    const dump = await plane.app.get(DumpsService).open(await database.read(), AbortSignal.timeout(120_000));
    expect(await raised('transaction')).toMatchObject({ severity: 'warning', message: expect.stringContaining('of a dump') as string });
    const changes = ['TRUNCATE kept', 'ALTER TABLE grown ADD COLUMN more int', 'REFRESH MATERIALIZED VIEW counted'].map(async (statement) => {
      const one = new pg.Client(database.credentials.uri);
      await one.connect();
      await one.query(statement).finally(() => one.end());
    });
    await eventually(async () => (await client.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount! >= 2);
    const text = await scriptOf(dump);
    await Promise.all(changes);
    expect(text.match(/^\d+\t\\\\x/gm)?.length).toBe(100_000);
    // Unlogged tables are empty on a standby.
    for (const [table, row] of [['scratch', 4711], ['kept', 4712], ['grown', 4713]]) expect(text).toContain(`COPY public.${table} (n) FROM stdin;\n${row}\n\\.`);
    await resolved('transaction');
    await client.query('DROP TABLE kept, grown, scratch CASCADE');
    await client.end();
  });

  it('no dump that holds up a switchover: it is ended', async () => {
    const dump = await plane.app.get(DumpsService).open(await database.read(), AbortSignal.timeout(120_000));
    const cut = new Promise<unknown>((resolve) => dump.once('error', resolve));
    const operation = await database.ended(await database.switchover());
    expect(operation).toMatchObject({ state: 'succeeded' });
    dump.resume();
    expect(await cut).toMatchObject({ kind: 'transient', message: expect.stringMatching(/^the dump of shop\w* failed: /) as string });
    await database.settled(2);
    [primary, standby] = [standby, primary];
    await resolved('transaction', 'replication');
  });

  it('a standby that falls behind in replaying', async () => {
    const client = new pg.Client(database.credentials.uri);
    await client.connect();
    await client.query('CREATE TABLE t (n int)');
    await database.asControl(standby, 'SELECT pg_wal_replay_pause()');
    await eventually(async () => {
      await client.query('INSERT INTO t VALUES (1)');
      return (await database.openAlerts('lag')).length > 0;
    });
    expect((await lagOfStandby()).lagSeconds).toBeGreaterThanOrEqual(LAG_SECONDS);
    await database.asControl(standby, 'SELECT pg_wal_replay_resume()');
    await eventually(async () => {
      await client.query('INSERT INTO t VALUES (1)');
      return (await database.openAlerts('lag')).length === 0;
    });
    await client.end();
  });

  it('a standby that does not stream, a slot that keeps much for it, and one that is lost', async () => {
    await database.setAutomation(true);
    await database.asControl(primary, `ALTER SYSTEM SET max_slot_wal_keep_size = '${SLOT_MB}MB'`, 'ALTER SYSTEM SET wal_keep_size = 0', 'SELECT pg_reload_conf()');
    const stopped = await database.signal(standby, 'SIGSTOP');
    expect(await raised('replication')).toMatchObject({ severity: 'critical', message: expect.stringContaining(standby) as string });
    await writeWal(SLOT_MB - 3);
    expect(await raised('slot')).toMatchObject({ severity: 'warning', message: expect.stringContaining('may keep') as string });
    // The look that raised the alert may have come before the last of it was written.
    await eventually(async () => ((await lagOfStandby()).lagBytes ?? 0) > (SLOT_MB - 4) * MIB);
    expect((await lagOfStandby()).lagSeconds).toBeGreaterThanOrEqual(LAG_SECONDS);
    await writeWal(SLOT_MB);
    await database.asControl(primary, 'CHECKPOINT');
    await raised('slot', 'critical');

    for (const pid of stopped) process.kill(pid, 'SIGCONT');
    await database.setAutomation(false);
    await database.settled(2);
    await resolved('slot', 'replication', 'lag');
    await eventually(async () => (await lagOfStandby()).lagBytes === 0);
  });

  it('nothing, but the log of an instance is cut short when whoever fails to log in has made it long', async () => {
    const log = join(plane.settings.FREEHOLD_DATA_DIR, 'hosts', (await database.instance('primary')).host, database.id, 'volume', (await database.instance('primary')).id, 'log');
    appendFileSync(log, `${'FATAL: somebody guesses a password\n'.repeat(130_000)}the last line\n`);
    await eventually(() => statSync(log).size < MIB);
    expect(statSync(`${log}.1`).size).toBe(MIB);
    expect(readFileSync(`${log}.1`, 'utf8')).toContain('the last line');
  });

  it('nothing while an ordinary switchover and a failover go by', async () => {
    const { epoch } = await database.settled();
    const before = await database.alerts();
    await database.ended(await database.switchover());
    await database.settled(epoch + 1);
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await database.settled(epoch + 2);
    await inspectedAgain();
    expect(await database.alerts()).toEqual(before);
    primary = (await database.instance('primary')).id;
    standby = (await database.instance('standby')).id;
  });
});

/** Nobody brings anything back: what is told must be what is there. The record of who is in sync is not touched (protocol rule 3). */
describe('while automation is paused, people are told', () => {
  const recordedInSync = async () => (await plane.app.get(Metadata).dataSource.query('SELECT in_sync FROM databases WHERE id = $1', [database.id]) as { in_sync: string[] }[])[0]!.in_sync;
  const told = async () => {
    const { state, inSync, instances, watched } = await database.read();
    return { state, inSync, watched, primary: instances.find(({ id }) => id === primary)?.state, standby: instances.find(({ id }) => id === standby)?.state };
  };
  const becomes = (expected: Partial<Awaited<ReturnType<typeof told>>>) => eventually(async () => {
    const now = await told();
    return Object.entries(expected).every(([name, value]) => now[name as keyof typeof now] === value);
  }, 30_000);

  it('that the database is well, while it is', async () => {
    await database.setAutomation(true);
    await becomes({ state: 'available', inSync: true, watched: true, primary: 'running', standby: 'running' });
  });

  it('that the standby is gone, and that commits wait for it', async () => {
    await database.signal(standby, 'SIGKILL');
    await becomes({ state: 'degraded', inSync: false, primary: 'running', standby: 'lost' });
    await becomes({ state: 'unavailable', inSync: false, primary: 'running', standby: 'lost' });
    const client = new pg.Client({ connectionString: database.credentials.uri, query_timeout: 1_000 });
    await client.connect();
    await expect(client.query('INSERT INTO t VALUES (2)'), 'a client meets the same').rejects.toThrow('timeout');
    await client.end();
    expect(await recordedInSync()).toEqual([standby]);
    await bringBack();
  });

  it('that the primary is gone, in an alert too that says that somebody has to act', async () => {
    await database.signal(primary, 'SIGKILL');
    await becomes({ state: 'unavailable', inSync: true, primary: 'lost', standby: 'running' });
    expect(await raised('primary')).toMatchObject({ action: 'required', advice: expect.stringContaining('resume') as string });
    await database.signal(standby, 'SIGKILL');
    await becomes({ state: 'unavailable', inSync: false, primary: 'lost', standby: 'lost' });
    expect(await recordedInSync()).toEqual([standby]);
    await bringBack();
    await resolved('primary');
  });

  it('when nobody looks any more, since when; and who asks for the database is told what is there now', async () => {
    await plane.app.get(FleetWatch).stop();
    await database.signal(primary, 'SIGKILL');
    const killedAt = Date.now();
    const known = await database.read();
    expect(known).toMatchObject({ state: 'available', watched: false });
    expect(Date.parse(known.observedAt!)).toBeLessThanOrEqual(killedAt);
    const seen = await plane.app.get(DatabasesService).observe(EVERYTHING, database.id);
    expect(seen).toMatchObject({ state: 'unavailable', watched: false });
    expect(seen!.instances.map(({ state }) => state).sort()).toEqual(['lost', 'running']);
    await plane.restartWorker();
    await becomes({ state: 'unavailable', watched: true });
    await bringBack();
  });

  /** Lets Freehold bring it back, and holds it back again. */
  async function bringBack(): Promise<void> {
    await database.setAutomation(false);
    await database.settled();
    await database.setAutomation(true);
    primary = (await database.instance('primary')).id;
    standby = (await database.instance('standby')).id;
  }
});

describe('a watcher that is merely slow', () => {
  it('asks for nothing and raises nothing, though it is late at every look', async () => {
    await database.setAutomation(false);
    await database.settled();
    const before = [await database.alerts(), (await database.operations()).length, (await database.read()).epoch];
    const until = performance.now() + LATE_FOR_MS;
    while (performance.now() < until) {
      for (const begun = performance.now(); performance.now() - begun < LATE_MS;);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await inspectedAgain();
    expect([await database.alerts(), (await database.operations()).length, (await database.read()).epoch]).toEqual(before);
    await eventually(async () => (await database.read()).state === 'available');
  });
});

/** A pooled client that holds its transaction open, for longer than it would be expected to end soon. */
async function holdTransaction(application_name: string): Promise<{ client: pg.Client; cut: Promise<Error> }> {
  const client = new pg.Client({ connectionString: database.credentials.pooledUri, application_name });
  const cut = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  await client.query('BEGIN');
  await eventually(async () => (await client.query<{ long: boolean }>(`SELECT clock_timestamp() - now() > interval '2 s' AS long`)).rows[0]!.long);
  return { client, cut };
}

/** Asks through the pooled endpoint again and again until it is stopped; answers with the longest that one answer took. */
function askPooled(): { stop(): Promise<number> } {
  let stopping = false;
  const asking = (async (): Promise<number> => {
    const client = new pg.Client(database.credentials.pooledUri);
    await client.connect();
    let longestMs = 0;
    while (!stopping) {
      const began = performance.now();
      await client.query('SELECT 1');
      longestMs = Math.max(longestMs, performance.now() - began);
    }
    await client.end();
    return longestMs;
  })();
  return { stop: () => { stopping = true; return asking; } };
}

const quietOf = async ({ id }: { readonly id: string }) => (await database.operations()).find((operation) => operation.id === id)!.steps.find(({ name }) => name === 'quiet')!;

describe('a switchover of a database whose customer has had a transaction open for long', () => {
  it('waits and holds nobody up, says for what, and goes on once it ends', async () => {
    const { epoch } = await database.read();
    const { client } = await holdTransaction('nightly report');
    const asking = askPooled();
    const operation = await database.switchover();
    const waitingFor = await eventually(async () => (await quietOf(operation)).detail?.waitingFor as string | undefined);
    expect(waitingFor).toMatch(new RegExp(`^a transaction of ${database.credentials.user} \\(nightly report\\), process \\d+, idle in transaction, open since 20`));
    const since = performance.now();
    await eventually(() => Promise.resolve(performance.now() - since > 2 * HELD_UP_MS));
    expect((await database.read()).state).toBe('available');
    const longestMs = await asking.stop();
    process.stdout.write(`while a switchover waited, no pooled client waited longer than ${longestMs.toFixed(0)} ms\n`);
    expect(longestMs).toBeLessThan(HELD_UP_MS);
    await client.query('COMMIT');
    await client.end();
    expect(await database.ended(operation)).toMatchObject({ state: 'succeeded', error: null });
    await database.settled(epoch + 1);
  });

  it('ends it when an operator says so, be it in the middle of the wait', async () => {
    const { epoch } = await database.read();
    const { cut } = await holdTransaction('forgotten');
    const operation = await database.switchover();
    await eventually(async () => (await quietOf(operation)).detail?.waitingFor);
    expect((await database.switchover(0)).id).toBe(operation.id);
    expect(await database.ended(operation)).toMatchObject({ state: 'succeeded', error: null });
    expect(await cut).toBeInstanceOf(Error);
    expect((await quietOf(operation)).detail).toMatchObject({ ended: expect.stringContaining('(forgotten)') as string });
    await database.settled(epoch + 1);
  });

  it('is nothing that a failover has to wait for', async () => {
    const { epoch } = await database.read();
    const { cut } = await holdTransaction('in the way');
    const operation = await database.switchover();
    await eventually(async () => (await quietOf(operation)).detail?.waitingFor);
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await database.settled(epoch + 1);
    expect(await cut).toBeInstanceOf(Error);
    expect(await database.ended(operation)).toMatchObject({ state: 'cancelled' });
  });
});

describe('when a database is deleted', () => {
  it('nobody is told of it any more', async () => {
    await database.setAutomation(true);
    await database.signal((await database.instance('standby')).id, 'SIGKILL');
    await raised('replication');
    await database.delete();
    await resolved('replication', 'primary');
  });
});

/** A database takes as much as its files say they are long; of a sparse one next to nothing is on the disk. */
describe('a database that fills its plan', () => {
  const GIB = 2 ** 30;
  let full: DatabaseUnderTest;
  let files: string[];
  let credentials: Credentials;

  beforeAll(async () => {
    full = await DatabaseUnderTest.provision(plane);
    credentials = full.credentials;
    files = (await full.read()).instances.map(({ id, host }) => join(plane.settings.FREEHOLD_DATA_DIR, 'hosts', host, full.id, 'volume', id, 'data/base/1/999999'));
    await query('CREATE TABLE t (n int)');
  });

  const fill = async (gibibytes: number, segments: number): Promise<void> => {
    for (const file of files) {
      writeFileSync(file, '');
      truncateSync(file, Math.ceil(gibibytes * GIB));
    }
    // It is measured anew when so much was written, in segments of 4 MiB, that it could have grown to an eighth of what is left.
    const segment = [`SELECT pg_logical_emit_message(false, 'test', 'x')`, 'SELECT pg_switch_wal()'];
    await full.asControl((await full.instance('primary')).id, ...Array.from({ length: segments }, () => segment).flat());
  };
  const storageIs = (state: string) => eventually(async () => (await full.read()).storage.state === state);
  /** In a session of their own; answers with the SQLSTATE of an error. */
  const query = async (...statements: string[]): Promise<string | undefined> => {
    const client = new pg.Client(credentials.uri);
    client.on('error', () => undefined);
    try {
      await client.connect();
      for (const statement of statements) await client.query(statement);
      return undefined;
    } catch (error) {
      return (error as pg.DatabaseError).code ?? 'no code';
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const INSERT = 'INSERT INTO t VALUES (1)';
  const alerted = (kind: string, severity: string) => eventually(async () => (await full.openAlerts(kind)).some((alert) => alert.severity === severity));

  it('is warned of, then read-only with room to delete and to vacuum', async () => {
    expect((await full.read()).storage).toMatchObject({ limitBytes: 10 * GIB, state: 'ok', because: null });
    await fill(8.2, 65);
    await alerted('storage', 'warning');
    await storageIs('warning');
    expect(await query(INSERT)).toBeUndefined();
    await fill(9.2, 60);
    await alerted('storage', 'critical');
    await fill(10, 30);
    await alerted('read-only', 'critical');
    expect((await full.read()).storage).toMatchObject({ state: 'readOnly', because: 'plan' });
    await eventually(async () => (await query(INSERT)) === '25006');
    expect(await query('BEGIN READ WRITE', 'DELETE FROM t', 'COMMIT', 'VACUUM FULL t')).toBeUndefined();
  });

  it('is not filled any further by those who write all the same', async () => {
    const client = new pg.Client(credentials.uri);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN READ WRITE');
    await client.query(INSERT);
    await fill(11.1, 1);
    await eventually(() => client.query('SELECT 1').then(() => false, () => true));
    await client.end().catch(() => undefined);
  });

  it('stays so through a switchover, and what the control plane does goes on', async () => {
    expect((await full.ended(await full.switchover())).state).toBe('succeeded');
    await full.settled(2);
    await eventually(async () => (await query(INSERT)) === '25006');
    const rotation = await full.request(async (databases, tx) => {
      const rotated = await databases.rotatePassword(tx, { id: full.id, asker: { id: 'key_test', reach: EVERYTHING, requestId: null } });
      credentials = rotated.credentials;
      return rotated.operation;
    });
    expect((await full.ended(rotation)).state).toBe('succeeded');
  });

  it('is opened when there is room', async () => {
    for (const file of files) truncateSync(file, 0);
    await storageIs('ok');
    expect(await full.openAlerts('read-only')).toEqual([]);
    expect(await full.openAlerts('storage')).toEqual([]);
    await eventually(async () => (await query(INSERT)) === undefined);
  });
});
