import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { openLocalEngine } from '../../src/engine/local/local-engine.js';
import { socketFrom } from '../../src/engine/local/sql/customer-session.js';
import { lsnToNumber } from '../../src/engine/local/instances/files/control-data.js';
import { signalAll } from '../support/signal-all.js';
import { asCustomer, customerOptions, pooledPort } from './engine-suite.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { lostRows, NumberedWriter } from '../support/numbered-writer.js';
import { openLocalHarness } from './local-harness.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/** A writer, and where it writes to. */
interface Written {
  readonly server: pg.ClientConfig;
  readonly table: string;
  readonly rows: NumberedWriter;
}

describe('the local engine fails over', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let root: string;
  let shop: TestDatabase;
  /** Who is what by now: tests leave a primary and a synchronous standby, whichever it is. */
  let primary: InstanceRef;
  let standby: InstanceRef;
  let writers: Written[];
  const signal = (): AbortSignal => AbortSignal.timeout(90_000);
  const home = (instance: InstanceRef): string => `${root}/hosts/${instance.host}/${shop.spec.id}/volume/${instance.id}`;
  const control = (instance: InstanceRef): string => `${root}/hosts/${instance.host}/${shop.spec.id}/${instance.id}`;
  const postmaster = async (instance: InstanceRef): Promise<number> => Number((await readFile(`${home(instance)}/data/postmaster.pid`, 'utf8')).split('\n')[0]);
  const binariesOf = async (instance: InstanceRef): Promise<string> => `/usr/lib/postgresql/${(await readFile(`${home(instance)}/data/PG_VERSION`, 'utf8')).trim()}/bin`;
  const accountOf = async (instance: InstanceRef): Promise<{ uid?: number; gid?: number }> => {
    const { uid, gid } = await stat(`${home(instance)}/data`);
    return isRoot ? { uid, gid } : {};
  };
  const routeTo = async (instance: InstanceRef): Promise<Route> => {
    const { address, port = 0 } = await engine.instances.observe(instance, signal());
    return { database: shop.spec, target: { address, port } };
  };

  /** Servers: the shell of an archive command, which writes nothing there, may outlive them by a moment. */
  async function processesOf(instance: InstanceRef): Promise<number[]> {
    const found: number[] = [];
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => '');
      const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => 'State:\tX');
      if (cwd.startsWith(`${home(instance)}/data`) && status.startsWith('Name:\tpostgres\n') && !/State:\s+[ZX]/.test(status)) found.push(Number(entry));
    }
    return found;
  }

  async function writer(route: 'session' | 'pooled'): Promise<Written> {
    const server = await customerOptions(harness, shop, route === 'pooled' ? pooledPort(harness, shop) : {});
    const table = `written_${route}_${Date.now()}`;
    const started = { server, table, rows: await NumberedWriter.start(server, { table }) };
    writers.push(started);
    await goesOn(started);
    return started;
  }

  /** Waits for rows that were sent after this moment. */
  async function goesOn({ rows }: Written): Promise<void> {
    const before = rows.count;
    await eventually('a row to be acknowledged', () => rows.count > before + 1, 15_000);
  }

  const lostOf = async ({ server, table, rows }: Written): Promise<number[]> => lostRows(server, await rows.stop(), table);

  /** Runs statements on an instance itself, as the control plane may. */
  async function asControl(instance: InstanceRef, ...statements: string[]): Promise<void> {
    const { address, port } = await engine.instances.observe(instance, signal());
    const client = new pg.Client({ host: address, port: port!, user: 'freehold', password: shop.spec.secrets.control, database: 'postgres', ssl: { rejectUnauthorized: false } });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  async function synchronize(): Promise<void> {
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, [standby.id], shop.effect());
    await engine.instances.waitForFlush(primary, standby.id, lsn, shop.effect());
  }

  /** What a failover does, from the fence to redundancy. */
  async function failOver(): Promise<void> {
    await engine.instances.fence(primary, shop.effect());
    await engine.gateway.close(shop.spec, shop.effect());
    await engine.instances.promote(standby, shop.effect());
    await engine.gateway.open(await routeTo(standby), shop.effect());
    await rejoin();
  }

  async function rejoin(): Promise<string> {
    const { how } = await engine.instances.rejoin(primary, standby, shop.effect());
    [primary, standby] = [standby, primary];
    await synchronize();
    return how;
  }

  const beginAnew = async (): Promise<void> => {
    shop = describeDatabase(engine);
    ({ primary, standby } = shop);
    await provision(engine, shop);
  };

  beforeAll(async () => {
    harness = await openLocalHarness();
    engine = harness.engine;
    ({ root } = harness);
    await beginAnew();
  });
  beforeEach(async () => {
    writers = [];
    await eventually('the standby to stream', async () => (await engine.instances.observe(standby, signal())).receiving === true);
  });
  afterEach(async ({ task }) => {
    await Promise.all(writers.map(({ rows }) => rows.stop().catch(() => undefined)));
    // What a test that failed left behind is none of the next one's business.
    if (task.result?.state === 'fail') await beginAnew();
  });
  afterAll(() => harness?.close());

  describe('a fence', () => {
    it('kills a primary whose processes are all stopped, nobody can start it by hand, and it is lifted for what it was', async () => {
      signalAll(await processesOf(primary), 'SIGSTOP');
      expect(await engine.instances.fence(primary, shop.effect())).toMatchObject({ exists: true, marked: true, process: 'stopped' });
      expect(await processesOf(primary)).toEqual([]);
      const data = `${home(primary)}/data`;
      const [binaries, account] = await Promise.all([binariesOf(primary), accountOf(primary)]);
      const config = `--config-file=${home(primary)}/etc/postgresql.conf`;
      await expect(run(`${binaries}/postgres`, ['-D', data, config], account)).rejects.toThrow(/could not find the database system|pg_control/);
      await expect(run(`${binaries}/pg_ctl`, ['-D', data, '-w', '-t', '5', '-o', config, 'start'], account)).rejects.toThrow();
      await expect(engine.instances.start(primary, shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
      expect(await processesOf(primary)).toEqual([]);
      expect(await engine.instances.fence(primary, shop.effect())).toMatchObject({ marked: true, process: 'stopped' });
      const lifted = await engine.instances.unfence(primary, shop.effect());
      expect(lifted).toMatchObject({ marked: false, process: 'running', role: 'primary', synchronousStandbys: [standby.id] });
      expect(await engine.instances.unfence(primary, shop.effect())).toMatchObject({ marked: false, process: 'running' });
    });

    it('kills what somebody started by hand before the mark was there', async () => {
      process.kill(await postmaster(primary), 'SIGKILL');
      await eventually('the backends to die', async () => (await processesOf(primary)).length === 0);
      const data = `${home(primary)}/data`;
      const [binaries, account] = await Promise.all([binariesOf(primary), accountOf(primary)]);
      // As a person would: the number in it may be one that init has not reaped yet.
      await rm(`${data}/postmaster.pid`);
      const child = spawn(`${binaries}/postgres`, ['-D', data, `--config-file=${home(primary)}/etc/postgresql.conf`], { ...account, detached: true, stdio: 'ignore' });
      await eventually('it to run', async () => (await engine.instances.observe(primary, signal())).process === 'running');
      await engine.instances.fence(primary, shop.effect());
      expect(await processesOf(primary)).toEqual([]);
      expect(child.pid).toBeDefined();
      await engine.instances.unfence(primary, shop.effect());
    });

    it('marks an instance that is not there, so that a disk that comes back does not matter', async () => {
      const nobody = describeDatabase(engine);
      expect(await engine.instances.fence(nobody.primary, nobody.effect())).toMatchObject({ exists: false, marked: true });
      await expect(engine.instances.unfence(nobody.primary, nobody.effect())).rejects.toMatchObject({ kind: 'permanent' });
      await engine.instances.destroy(nobody.primary, nobody.effect());
      expect(await engine.instances.observe(nobody.primary, signal())).toMatchObject({ exists: false, marked: false });
    });
  });

  it('loses no acknowledged write when the primary is killed, and is redundant again', async () => {
    const [session, pooled] = [await writer('session'), await writer('pooled')];
    const { timeline = 0 } = await engine.instances.observe(primary, signal());
    process.kill(await postmaster(primary), 'SIGKILL');
    await failOver();
    expect(await engine.instances.observe(primary, signal())).toMatchObject({ role: 'primary', timeline: timeline + 1, synchronousStandbys: [standby.id] });
    expect(await engine.instances.observe(standby, signal())).toMatchObject({ role: 'standby', receiving: true, marked: false, timeline: timeline + 1, synchronousStandbys: [] });
    await Promise.all([session, pooled].map(goesOn));
    for (const each of [session, pooled]) expect(await lostOf(each)).toEqual([]);
  });

  describe('a failover that accepts a loss of data', () => {
    /** Rows that are on the old primary alone: it was fenced before the standby had them. */
    async function loseRows(): Promise<void> {
      await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
      process.kill(await postmaster(standby), 'SIGKILL');
      await eventually('the standby to die', async () => (await processesOf(standby)).length === 0);
      await asCustomer(harness, shop, (client) => client.query(`CREATE TABLE lost_rows AS SELECT 'the-lost-row-' || n AS text FROM generate_series(1, 100) n`));
      await engine.instances.fence(primary, shop.effect(), { keep: true });
      await engine.instances.start(standby, shop.effect());
      await engine.gateway.close(shop.spec, shop.effect());
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
    }

    it('keeps the old copy with the lost rows aside, until it is released', async () => {
      const old = primary;
      await loseRows();
      expect(await rejoin()).toBe('copied');
      await expect(asCustomer(harness, shop, (client) => client.query('TABLE lost_rows'))).rejects.toThrow(/does not exist/);
      const [copy, ...others] = await engine.instances.keptCopies(old, signal());
      expect(others).toEqual([]);
      const directory = `${home(old)}.kept-${copy!.id}`;
      expect(JSON.parse(await readFile(`${directory}/record.json`, 'utf8'))).toMatchObject({ instanceId: old.id, host: old.host, databaseId: shop.spec.id });
      expect(copy!.sizeBytes).toBeGreaterThan(1_000_000);
      // Nobody starts it by mistake; whoever wants it back gives pg_control its name again.
      await expect(access(`${directory}/data/global/pg_control`)).rejects.toThrow();
      const { stdout } = await run('grep', ['-rl', 'the-lost-row-42', `${directory}/data`]);
      expect(stdout.trim().split('\n').length).toBeGreaterThan(0);
      await engine.instances.releaseKept(old, copy!.id, shop.effect());
      await engine.instances.releaseKept(old, copy!.id, shop.effect());
      expect(await engine.instances.keptCopies(old, signal())).toEqual([]);
      await expect(access(directory)).rejects.toThrow();
    });

    it('keeps nothing where nothing was lost', async () => {
      const old = primary;
      await engine.instances.fence(primary, shop.effect(), { keep: true });
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
      expect(await rejoin()).toBe('repointed');
      expect(await engine.instances.keptCopies(old, signal())).toEqual([]);
      await expect(access(`${control(old)}/keep`)).rejects.toThrow();
    });

    it('spares the copy when the instance leaves its host, and forgets it when the instance is given up', async () => {
      const old = primary;
      await loseRows();
      await engine.instances.destroy(old, shop.effect(), { spareKept: true });
      expect(await engine.instances.observe(old, signal())).toMatchObject({ exists: false, marked: false });
      expect(await engine.instances.keptCopies(old, signal())).toHaveLength(1);
      expect(await rejoin()).toBe('copied');
      await engine.instances.releaseKept(old, (await engine.instances.keptCopies(old, signal()))[0]!.id, shop.effect());
    });
  });

  describe('servers that an earlier version started', () => {
    const EARLIER = { connections: 26, locks: 64 };
    const conf = (instance: InstanceRef): string => `${home(instance)}/etc/postgresql.conf`;
    const writeEarlier = async (instance: InstanceRef): Promise<void> => {
      const text = (await readFile(conf(instance), 'utf8')).replace(/^max_locks_per_transaction.*\n/m, '').replace(/^max_connections.*$/m, `max_connections = ${EARLIER.connections}`);
      await writeFile(conf(instance), text);
    };
    const kill = async (instance: InstanceRef): Promise<void> => {
      process.kill(await postmaster(instance), 'SIGKILL');
      await eventually('the backends to die', async () => (await processesOf(instance)).length === 0);
    };
    /** Starts one as it was before: the engine itself would write its settings anew. */
    async function startEarlier(instance: InstanceRef): Promise<void> {
      await kill(instance);
      await writeEarlier(instance);
      await rm(`${home(instance)}/data/postmaster.pid`);
      const [binaries, account] = await Promise.all([binariesOf(instance), accountOf(instance)]);
      spawn(`${binaries}/postgres`, ['-D', `${home(instance)}/data`, `--config-file=${conf(instance)}`], { ...account, detached: true, stdio: 'ignore' });
      await eventually('it to run', async () => (await engine.instances.observe(instance, signal())).process === 'running');
    }
    async function ask(instance: InstanceRef, sql: string): Promise<unknown[]> {
      const { address, port } = await engine.instances.observe(instance, signal());
      const client = new pg.Client({ host: address!, port: port!, user: 'freehold', password: shop.spec.secrets.control, database: 'postgres', ssl: { rejectUnauthorized: false } });
      await client.connect();
      try {
        return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
      } finally {
        await client.end();
      }
    }
    const sizes = async (instance: InstanceRef): Promise<number[]> =>
      (await ask(instance, `SELECT current_setting('max_connections'), current_setting('max_locks_per_transaction')`)).map(Number);

    it('get more locks and connections on standbys first, and a primary with its promotion', async () => {
      const earlier = [EARLIER.connections, EARLIER.locks];
      const now = [30, 384];
      await startEarlier(primary);
      // A standby keeps in mind what its primary had when it last read of it.
      const [written] = await ask(primary, 'SELECT pg_current_wal_lsn()::text');
      await eventually('the standby to have replayed that', async () => (await ask(standby, `SELECT pg_last_wal_replay_lsn() >= '${written as string}'`))[0] === true);
      await startEarlier(standby);
      // A primary that is started anew may not have more than a standby that runs.
      await kill(primary);
      await engine.instances.start(primary, shop.effect());
      expect([await sizes(primary), await sizes(standby)]).toEqual([earlier, earlier]);
      await kill(standby);
      await engine.instances.start(standby, shop.effect());
      expect([await sizes(primary), await sizes(standby)]).toEqual([earlier, now]);
      await eventually('it to stream', async () => (await engine.instances.observe(standby, signal())).receiving === true);
      await failOver();
      expect([await sizes(primary), await sizes(standby)]).toEqual([now, now]);
      // One that still runs with less than its new primary is started anew before it follows it.
      await writeEarlier(standby);
      const before = await postmaster(standby);
      expect(await engine.instances.rejoin(standby, primary, shop.effect())).toMatchObject({ how: 'repointed', receiving: true });
      expect(await postmaster(standby)).not.toBe(before);
      expect(await ask(standby, 'SELECT pg_is_wal_replay_paused()')).toEqual([false]);
      await synchronize();
    });

    it('are promoted at once, whatever a reader of them holds up', async () => {
      await asCustomer(harness, shop, (client) => client.query('CREATE TABLE read_there AS SELECT 1'));
      const { address, port } = await engine.instances.observe(standby, signal());
      await ask(standby, 'ALTER SYSTEM SET max_standby_streaming_delay = -1');
      await ask(standby, 'SELECT pg_reload_conf()');
      const { address: gateway } = harness.fleet.regions.find(({ id }) => id === 'europe')!.gateway;
      const reader = new pg.Client({ stream: () => socketFrom(gateway), host: address, port: port!, user: shop.spec.owner, password: shop.password, database: shop.spec.name, ssl: { rejectUnauthorized: false } });
      let ended = false;
      reader.on('error', () => { ended = true; });
      await reader.connect();
      await reader.query('BEGIN');
      await eventually('the table to be there', async () => (await reader.query(`SELECT to_regclass('read_there') AS found`)).rows[0].found !== null);
      await reader.query('TABLE read_there');
      await asCustomer(harness, shop, (client) => client.query('DROP TABLE read_there'));
      const begun = performance.now();
      await failOver();
      expect(performance.now() - begun).toBeLessThan(20_000);
      await eventually('the reader to be ended', () => ended);
      await ask(primary, 'ALTER SYSTEM RESET max_standby_streaming_delay');
    });
  });

  it('switches over without an error on the pooled route and with one reconnection of a session', async () => {
    const [session, pooled] = [await writer('session'), await writer('pooled')];
    const idle = new pg.Client(await customerOptions(harness, shop, pooledPort(harness, shop)));
    idle.on('error', () => undefined);
    await idle.connect();
    await idle.query('SELECT 1');
    for (let round = 0; round < 3; round += 1) {
      await engine.gateway.pause(shop.spec, 5_000, shop.effect());
      const { clean, lsn } = await engine.instances.stopMarked(primary, shop.effect());
      expect(clean).toBe(true);
      expect(await engine.instances.observe(primary, signal())).toMatchObject({ marked: true, process: 'stopped' });
      // The standby has exactly as much: not a byte less, and there is nothing more to have.
      await eventually('the standby to have the last byte', async () => lsnToNumber((await engine.instances.observe(standby, signal())).lsn ?? '0/0') >= lsnToNumber(lsn ?? 'F/0'));
      expect((await engine.instances.observe(standby, signal())).lsn).toBe(lsn);
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
      expect(await rejoin()).toBe('repointed');
      await Promise.all([session, pooled].map(goesOn));
    }
    expect((await idle.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await idle.end();
    expect(pooled.rows.errorCount).toBe(0);
    expect(session.rows.errorCount).toBeLessThanOrEqual(3);
    for (const each of [session, pooled]) expect(await lostOf(each)).toEqual([]);
  });

  it('lets everybody go on when a transaction does not end within the pause', async () => {
    const pooled = pooledPort(harness, shop);
    await asCustomer(harness, shop, async (open) => {
      await open.query('BEGIN');
      await open.query('SELECT 1');
      await expect(engine.gateway.pause(shop.spec, 300, shop.effect())).rejects.toMatchObject({ kind: 'transient' });
      await open.query('SELECT 2');
      await open.query('COMMIT');
      await asCustomer(harness, shop, (client) => client.query('SELECT 1'), pooled);
      await asCustomer(harness, shop, (client) => client.query('SELECT 1'));
    }, pooled);
  });

  it('cuts a session whose transaction does not end within the pause, and makes new ones wait', async () => {
    const long = new pg.Client(await customerOptions(harness, shop));
    long.on('error', () => undefined);
    await long.connect();
    await long.query('BEGIN');
    await long.query('SELECT txid_current()');
    await engine.gateway.pause(shop.spec, 500, shop.effect());
    await expect(long.query('SELECT 1')).rejects.toThrow();
    let served = false;
    const waiting = asCustomer(harness, shop, (client) => client.query('SELECT 1')).then(() => {
      served = true;
    });
    await engine.instances.observe(primary, signal());
    expect(served).toBe(false);
    await engine.gateway.open(await routeTo(primary), shop.effect());
    await waiting;
  });

  it('keeps a closed route closed in a gateway that is restarted', async () => {
    await engine.gateway.close(shop.spec, shop.effect());
    for (const killed of ['router', `poolers/${shop.spec.id}`]) process.kill(Number((await readFile(`${root}/gateways/europe/${killed}/pid`, 'utf8')).split(':')[0]), 'SIGKILL');
    const started = new Set<string>();
    await eventually('the gateway to be kept', async () => {
      (await engine.gateway.keep('europe', signal())).started.forEach((name) => started.add(name));
      return started.size === 2;
    });
    expect(started).toEqual(new Set(['router', shop.spec.id]));
    let served = 0;
    const waiting = [{}, pooledPort(harness, shop)].map((changes) =>
      asCustomer(harness, shop, (client) => client.query('SELECT 1'), changes).then(() => {
        served += 1;
      }),
    );
    // Time enough for them to be served, if they could be.
    await asCustomer(harness, shop, (client) => client.query('SELECT 1'), { connectionTimeoutMillis: 500 }).catch(() => undefined);
    expect(served).toBe(0);
    await engine.gateway.open(await routeTo(primary), shop.effect());
    await Promise.all(waiting);
  });

  describe('a promotion', () => {
    it('only answers when it has happened already', async () => {
      const before = await engine.instances.observe(primary, signal());
      expect(await engine.instances.promote(primary, shop.effect())).toMatchObject({ role: 'primary', timeline: before.timeline });
      expect(await engine.instances.claim(primary, shop.effect())).toMatchObject({ role: 'primary' });
    });

    it('that is stuck is killed by a claim, and never happens', async () => {
      signalAll(await processesOf(standby), 'SIGSTOP');
      // It is stuck at the latest when it asks a server that does not answer; here it has asked for the promotion before.
      await run('/bin/sh', ['-c', `: >${control(standby)}/promoting; : >${home(standby)}/data/promote; kill -USR1 ${await postmaster(standby)}`]);
      const stuck = engine.instances.promote(standby, shop.effect());
      stuck.catch(() => undefined);
      const claimed = await engine.instances.claim(standby, shop.effect());
      await expect(stuck).rejects.toMatchObject({ name: 'EngineError' });
      expect(claimed).toMatchObject({ role: 'standby', process: 'running', marked: false });
      await expect(access(`${home(standby)}/data/promote`)).rejects.toThrow();
      await eventually('the standby to stream', async () => (await engine.instances.observe(standby, signal())).receiving === true);
      expect(await engine.instances.observe(standby, signal())).toMatchObject({ role: 'standby' });
    });

    it('is refused of an older token after a claim', async () => {
      const old = { token: shop.token, signal: signal(), trace: {} };
      await engine.instances.claim(standby, shop.effect());
      await expect(engine.instances.promote(standby, old)).rejects.toMatchObject({ kind: 'superseded' });
    });

    it('is told to be none of an instance that is missing', async () => {
      const nobody = describeDatabase(engine);
      expect(await engine.instances.claim(nobody.standby, nobody.effect())).toMatchObject({ exists: false });
      await expect(engine.instances.promote(nobody.standby, nobody.effect())).rejects.toMatchObject({ kind: 'permanent' });
    });
  });

  describe('a rejoin', () => {
    /** The primary writes what nobody receives, and dies; the standby comes back without it. */
    async function diverge(): Promise<void> {
      signalAll(await processesOf(standby), 'SIGKILL');
      await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
      await asCustomer(harness, shop, (client) => client.query('CREATE TABLE IF NOT EXISTS lost (n int); INSERT INTO lost SELECT generate_series(1, 1000)'));
      signalAll(await processesOf(primary), 'SIGKILL');
      await engine.instances.start(standby, shop.effect());
    }

    it.each([['rewind', 'rewound'], ['copy', 'copied']] as const)('makes a diverged primary a standby by a %s, and what only it had is gone', async (rebuildBy, how) => {
      const chooser = await openLocalEngine({ dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG, rebuildBy });
      await diverge();
      await engine.instances.fence(primary, shop.effect());
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
      expect(await chooser.instances.rejoin(primary, standby, shop.effect())).toMatchObject({ how, role: 'standby', receiving: true, marked: false });
      [primary, standby] = [standby, primary];
      await synchronize();
      const { rows } = await asCustomer(harness, shop, (client) => client.query(`SELECT to_regclass('lost') AS lost`));
      expect(rows).toEqual([{ lost: null }]);
      expect(await readdir(home(standby))).toEqual(expect.not.arrayContaining(['building', 'replaced', 'rewinding']));
    });

    it.each(['rewind', 'copy'] as const)('goes on after its %s was cut off half-way, and stays marked until then', async (rebuildBy) => {
      const { instances } = await openLocalEngine({ dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG, rebuildBy });
      await diverge();
      await engine.instances.fence(primary, shop.effect());
      await engine.gateway.close(shop.spec, shop.effect());
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
      for (const ms of [40, 200, 300, 450, 600]) {
        await instances.rejoin(primary, standby, shop.effect(ms)).catch((error: unknown) => expect(error).toMatchObject({ name: 'EngineError' }));
        const seen = await engine.instances.observe(primary, signal());
        expect(seen.role, `after ${ms} ms`).not.toBe('primary');
        if (seen.process === 'stopped' && seen.exists) expect(seen.marked || seen.role === 'standby', `after ${ms} ms`).toBe(true);
      }
      await rejoin();
      expect(await engine.instances.observe(standby, signal())).toMatchObject({ role: 'standby', receiving: true, marked: false });
    });

    it('copies anew what a rewind has left half done', async () => {
      await engine.instances.fence(standby, shop.effect());
      await rename(`${home(standby)}/data`, `${home(standby)}/rewinding`);
      await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
      expect(await engine.instances.rejoin(standby, primary, shop.effect())).toMatchObject({ how: 'copied', receiving: true, marked: false });
      await synchronize();
    });

    it('copies anew though somebody still receives WAL through its slot, as a copy does that was killed a moment ago', async () => {
      await engine.instances.fence(standby, shop.effect());
      await rename(`${home(standby)}/data`, `${home(standby)}/rewinding`);
      await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
      const [, conninfo = ''] = /^primary_conninfo = '(.*)'$/m.exec(await readFile(`${home(standby)}/etc/upstream.conf`, 'utf8')) ?? [];
      const receiver = spawn(`${await binariesOf(primary)}/pg_receivewal`, [
        '--directory', `${home(standby)}/rewinding`, '--no-loop', '--slot', standby.id.toLowerCase(), '--dbname', conninfo.replaceAll("''", "'"),
      ], { ...(await accountOf(primary)), env: { HOME: '/nonexistent' }, stdio: 'ignore' });
      const ended = once(receiver, 'exit');
      const isReceiving = async (): Promise<boolean> => (await engine.instances.observe(primary, signal())).standbys?.some((each) => each.instanceId === standby.id) ?? false;
      await eventually('the slot to be in use', isReceiving);
      expect(await engine.instances.rejoin(standby, primary, shop.effect())).toMatchObject({ how: 'copied', receiving: true, marked: false });
      await ended;
      await synchronize();
    });

    it('drops the slot of a standby that goes on streaming and comes back at once', async () => {
      await engine.instances.dropSlot(primary, standby.id, shop.effect());
      // It tries to connect again and again; without its slot it gets no further than that.
      expect((await engine.instances.observe(primary, signal())).standbys?.filter(({ state }) => state === 'streaming')).toEqual([]);
      expect((await engine.instances.rejoin(standby, primary, shop.effect())).how).toBe('repointed');
      await synchronize();
    });

    it('gives a standby a new slot for one that was lost, also while it streams through it', async () => {
      const upstream = `${home(standby)}/etc/upstream.conf`;
      const settings = await readFile(upstream, 'utf8');
      const follow = async (text: string): Promise<void> => {
        await writeFile(upstream, text);
        process.kill(await postmaster(standby), 'SIGHUP');
      };
      const watch = engine.instances.watch(primary);
      await watch.look(10_000);
      const slot = async () => (await watch.inspect(10_000))?.slots.find(({ name }) => name === standby.id.toLowerCase());
      await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
      await asControl(primary, `ALTER SYSTEM SET max_slot_wal_keep_size = '8MB'`, 'ALTER SYSTEM SET wal_keep_size = 0', 'SELECT pg_reload_conf()');
      // Streaming without it, the standby goes on while its slot stays behind.
      await follow(settings.replace(/^primary_slot_name.*$/m, ''));
      await eventually('the slot to be left', async () => (await slot())?.active === false);
      await asControl(primary, ...Array.from({ length: 24 }, () => `SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))`), 'CHECKPOINT');
      await eventually('the slot to be lost', async () => (await slot())?.status === 'lost');
      await follow(settings);
      // From PostgreSQL 18 on nobody streams through it, and up to 15 whoever does heals it.
      const major = Number(await readFile(`${home(primary)}/data/PG_VERSION`, 'utf8'));
      if (major < 18) await eventually('the slot to be in use', async () => (await slot())?.active === true);
      if (major === 16 || major === 17) expect(await slot()).toMatchObject({ active: true, status: 'lost' });
      await engine.instances.provideSlot(primary, standby.id, shop.effect());
      await eventually('the slot to keep WAL', async () => ((one) => one?.active === true && one.status === 'reserved')(await slot()));
      await engine.instances.provideSlot(primary, standby.id, shop.effect());
      expect(await slot()).toMatchObject({ active: true, status: 'reserved' });
      await asControl(primary, 'ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()');
      await watch.close();
      await synchronize();
    });

    it('leaves no slot that keeps WAL, on either side', async () => {
      const slots = async (instance: InstanceRef): Promise<string[]> => readdir(`${home(instance)}/data/pg_replslot`);
      expect(await slots(standby)).toEqual([]);
      expect(await slots(primary)).toEqual([standby.id.toLowerCase()]);
    });

    it('repoints a standby that only follows another primary', async () => {
      const third: InstanceRef = { id: `${shop.primary.id}third`, host: engine.inventory()[0]!.dataCenters[2]!.hosts[0]!.id, database: shop.spec };
      await engine.instances.attachStandby(third, primary, shop.effect());
      process.kill(await postmaster(primary), 'SIGKILL');
      await engine.instances.fence(primary, shop.effect());
      await engine.gateway.close(shop.spec, shop.effect());
      const pid = await postmaster(third);
      await engine.instances.promote(standby, shop.effect());
      await engine.gateway.open(await routeTo(standby), shop.effect());
      const effect = shop.effect();
      const rejoined = await Promise.all([third, primary].map((instance) => engine.instances.rejoin(instance, standby, effect)));
      expect(rejoined).toMatchObject([{ how: 'repointed', receiving: true }, { receiving: true }]);
      expect(await postmaster(third)).toBe(pid);
      [primary, standby] = [standby, primary];
      await engine.instances.destroy(third, shop.effect());
      await engine.instances.dropSlot(primary, third.id, shop.effect());
      await synchronize();
    });
  });

  describe('a watch', () => {
    it('sees a primary and its standby, and the end of the primary at once', async () => {
      const watch = engine.instances.watch(primary);
      const other = engine.instances.watch(standby);
      const seen = await watch.look(10_000);
      expect(seen).toMatchObject({ sight: 'answers', role: 'primary', standbys: [{ instanceId: standby.id, state: 'streaming' }] });
      expect(await other.look(10_000)).toMatchObject({ sight: 'answers', role: 'standby', receiving: true });
      const closed = new Promise<void>((resolve) => watch.onClosed(resolve));
      process.kill(await postmaster(primary), 'SIGKILL');
      await closed;
      await eventually('it to be refused', async () => (await watch.look(3_000)).sight === 'refused');
      await eventually('the standby to notice', async () => (await other.look(3_000)).receiving === false);
      await engine.instances.start(primary, shop.effect());
      await eventually('it to answer', async () => (await watch.look(3_000)).sight === 'answers');
      await Promise.all([watch.close(), other.close()]);
    });

    it('sees a server that hangs, and that it goes on', async () => {
      const watch = engine.instances.watch(primary);
      const other = engine.instances.watch(standby);
      await Promise.all([watch.look(10_000), other.look(10_000)]);
      const pids = await processesOf(primary);
      signalAll(pids, 'SIGSTOP');
      expect(await watch.look(300)).toEqual({ sight: 'silent' });
      expect(await watch.look(300)).toEqual({ sight: 'silent' });
      await eventually('the standby to be sure', async () => (await other.look(3_000)).receiving === false);
      signalAll(pids, 'SIGCONT');
      await eventually('it to answer', async () => (await watch.look(3_000)).sight === 'answers');
      await Promise.all([watch.close(), other.close()]);
    });

    it('takes a postmaster that serves nobody new for silent, though its sessions live', async () => {
      const watch = engine.instances.watch(primary);
      await watch.look(10_000);
      const pid = await postmaster(primary);
      process.kill(pid, 'SIGSTOP');
      await eventually('it to be found out', async () => (await watch.look(200)).sight === 'silent');
      expect((await watch.look(200)).sight).toBe('silent');
      process.kill(pid, 'SIGCONT');
      await eventually('it to answer', async () => (await watch.look(3_000)).sight === 'answers');
      await watch.close();
    });

    it('takes a backend that was killed for no loss: the server restarts its sessions by itself', async () => {
      const watch = engine.instances.watch(primary);
      await watch.look(10_000);
      const closed = new Promise<void>((resolve) => watch.onClosed(resolve));
      const client = new pg.Client(await customerOptions(harness, shop));
      client.on('error', () => undefined);
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      process.kill(rows[0]!.pid, 'SIGKILL');
      await closed;
      const sights = new Set<string>();
      await eventually('it to answer', async () => {
        const { sight } = await watch.look(1_000);
        sights.add(sight);
        return sight === 'answers';
      });
      expect([...sights].filter((sight) => sight !== 'restarting')).toEqual(['answers']);
      await Promise.all([watch.close(), client.end().catch(() => undefined)]);
    });

    it('answers with silence once it is closed, and calls nobody', async () => {
      const watch = engine.instances.watch(primary);
      await watch.look(10_000);
      let called = 0;
      watch.onClosed(() => {
        called += 1;
      });
      await watch.close();
      expect(await watch.look(100)).toEqual({ sight: 'silent' });
      expect(called).toBe(0);
    });
  });
});
