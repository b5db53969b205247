import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { socketFrom } from '../../src/engine/local/sql/customer-session.js';
import { SSL_REQUEST } from '../support/first-bytes.js';
import { cancel, converse, crookedStartups, CROOKED_PASSWORDS, EXCHANGE, flood, hammer, interject, startupMessage, type Place } from '../support/hostile-clients.js';
import { asCustomer, customerOptions, pooledPort, readOnlyPort } from './engine-suite.js';
import { scramVerifierSync } from '../../src/secrets/scram-verifier.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

/** What a neighbour may notice on a machine that does much else besides. */
const PROMPT_MS = 5_000;
const KINDS = ['port', 'pooledPort'] as const;

/** Two tenants of one region: one attacks, or has bad luck, and the other must not notice. */
describe('under attack', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let attacker: TestDatabase;
  let neighbour: TestDatabase;
  /** The attacker's by now. */
  let password: string;
  let primary: InstanceRef;
  let standby: InstanceRef;
  let measured: Measurement | undefined;
  const clients: pg.Client[] = [];
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);

  const place = (database: TestDatabase, kind: (typeof KINDS)[number] | 'readOnlyPort'): Place => {
    const endpoint = engine.gateway.endpoint(database.spec);
    return { host: endpoint.host, port: endpoint[kind] };
  };
  const connect = async (changes: Partial<pg.ClientConfig> = {}): Promise<pg.Client> => {
    const client = new pg.Client(await customerOptions(harness, attacker, { password, ...changes }));
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const asAttacker = <T>(body: (client: pg.Client) => Promise<T>, changes: Partial<pg.ClientConfig> = {}): Promise<T> => asCustomer(harness, attacker, body, { password, ...changes });
  const ask = (changes: Partial<pg.ClientConfig> = {}): Promise<unknown> => asAttacker((client) => client.query('SELECT 1'), changes);
  const pidOf = async (what: string): Promise<number> => Number((await readFile(`${harness.root}/gateways/europe/${what}/pid`, 'utf8')).split(':')[0]);
  const processes = (): Promise<number[]> => Promise.all(['router', ...[attacker, neighbour].map(({ spec }) => `poolers/${spec.id}`)].map(pidOf));
  const routeTo = async (instance: InstanceRef, database = attacker.spec): Promise<Route> => {
    const { address, port = 0 } = await engine.instances.observe(instance, signal());
    return { database, target: { address, port } };
  };

  /** Makes the standby, which was promoted, and the old primary what they are now. */
  async function rejoin(): Promise<void> {
    await engine.instances.rejoin(primary, standby, attacker.effect());
    [primary, standby] = [standby, primary];
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, [standby.id], attacker.effect());
    await engine.instances.waitForFlush(primary, standby.id, lsn, attacker.effect());
  }

  async function switchOver(database = attacker.spec): Promise<void> {
    await engine.gateway.pause(database, 10_000, attacker.effect());
    await engine.instances.stopMarked(primary, attacker.effect());
    await engine.instances.promote(standby, attacker.effect());
    await engine.gateway.open(await routeTo(standby, database), attacker.effect());
  }

  /** The neighbour at work through each of its endpoints, in sessions that live on and in new ones. */
  class Measurement {
    readonly errors: unknown[] = [];
    longestMs = 0;
    count = 0;
    private going = true;
    private readonly working: Promise<void>[];

    constructor() {
      const kinds = [{}, pooledPort(harness, neighbour), readOnlyPort(harness, neighbour)];
      this.working = kinds.flatMap((changes) => [this.repeat(() => asCustomer(harness, neighbour, (client) => client.query('SELECT 1'), changes)), this.stay(changes)]);
    }

    async stop(): Promise<void> {
      await eventually('the neighbour to be served', () => this.count >= 6);
      this.going = false;
      await Promise.all(this.working);
      expect(this.errors).toEqual([]);
      expect(this.longestMs).toBeLessThan(PROMPT_MS);
    }

    private stay(changes: Partial<pg.ClientConfig>): Promise<void> {
      return asCustomer(harness, neighbour, (client) => this.repeat(() => client.query('SELECT 1')), changes).catch((error: unknown) => void this.errors.push(error));
    }

    private async repeat(act: () => Promise<unknown>): Promise<void> {
      while (this.going) {
        const began = performance.now();
        await act().catch((error: unknown) => this.errors.push(error));
        this.longestMs = Math.max(this.longestMs, performance.now() - began);
        this.count += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  beforeAll(async () => {
    harness = await openLocalHarness();
    engine = harness.engine;
    [attacker, neighbour] = [describeDatabase(engine), describeDatabase(engine)];
    ({ primary, standby, password } = attacker);
    await Promise.all([provision(engine, attacker), provision(engine, neighbour)]);
  });
  beforeEach(() => {
    measured = new Measurement();
  });
  afterEach(async ({ task }) => {
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
    const { longestMs = 0, count = 0 } = measured ?? {};
    await measured?.stop();
    console.log(`${task.name}: the neighbour had ${count} answers, the slowest after ${longestMs.toFixed(0)} ms`);
  });
  afterAll(() => harness?.close());

  /** Nothing was started anew, and the attacker is served as before. */
  async function expectUnharmed(before: readonly number[]): Promise<void> {
    expect(await processes()).toEqual(before);
    for (const kind of KINDS) await ask({ port: place(attacker, kind).port });
  }

  it.each(KINDS)('lives on through cancel requests and pg_terminate_backend, at the %s', async (kind) => {
    const before = await processes();
    const until = performance.now() + 2_000;
    const { port } = place(attacker, kind);
    let ended = 0;
    const victim = async (): Promise<void> => {
      while (performance.now() < until) {
        await asAttacker(async (client) => {
          const sleep = client.query('SELECT pg_sleep(0.1)');
          await Promise.all([sleep.catch(() => (ended += 1)), cancel({ ...place(attacker, kind), port }, client), cancel({ ...place(attacker, kind), port }, client)]);
          await client.query('BEGIN; SELECT 1');
        }, { port }).catch(() => (ended += 1));
      }
    };
    const killer = async (): Promise<void> => {
      while (performance.now() < until) {
        await asAttacker(async (client) => {
          for (let turn = 0; turn < 20; turn += 1) await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()');
        }, { port }).catch(() => (ended += 1));
      }
    };
    await Promise.all([victim(), victim(), victim(), victim(), killer(), killer()]);
    expect(ended).toBeGreaterThan(20);
    await expectUnharmed(before);
  });

  it.each(KINDS)('lives on after packets that make no sense, at the %s', async (kind) => {
    const before = await processes();
    const { owner, name } = attacker.spec;
    const startups = crookedStartups(owner, name);
    const inTurn = [
      ...startups.map((packet) => () => converse(place(attacker, kind), [packet], { tls: false })),
      ...startups.map((packet) => () => converse(place(attacker, kind), [packet])),
      ...CROOKED_PASSWORDS.map((packet) => () => converse(place(attacker, kind), [startupMessage(owner, name), packet])),
      ...CROOKED_PASSWORDS.map((packet) => () => converse(place(attacker, kind), [startupMessage('nobody', name), packet, packet])),
    ];
    const work = async (): Promise<void> => {
      for (let next = inTurn.pop(); next; next = inTurn.pop()) await next();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    await expectUnharmed(before);
  });

  it.each(KINDS)('makes nobody somebody else who says twice who they are, at the %s', async (kind) => {
    const before = await processes();
    const config = await customerOptions(harness, attacker, { port: place(attacker, kind).port });
    for (const [user, database] of [[neighbour.spec.owner, neighbour.spec.name], [attacker.spec.owner, attacker.spec.name], ['freehold', 'postgres'], ['freehold_pooler', 'freehold']] as const) {
      for (const moment of EXCHANGE) {
        const found = await interject(config, moment, startupMessage(user, database)).then(
          async (client) => (await client.query<{ me: string; there: string }>('SELECT current_user::text AS me, current_database()::text AS there').finally(() => client.end().catch(() => undefined))).rows[0],
          () => undefined,
        ).catch(() => undefined);
        if (found) expect(found, `${user} at ${moment}`).toEqual({ me: attacker.spec.owner, there: attacker.spec.name });
      }
    }
    await expectUnharmed(before);
  });

  it.each(['port', 'pooledPort', 'readOnlyPort'] as const)('lets nobody in with another tenant\'s name and password, at the %s', async (kind) => {
    for (const [own, other] of [[attacker, neighbour], [neighbour, attacker]] as const) {
      for (const database of [other.spec.name, own.spec.name, 'postgres']) {
        const began = performance.now();
        await expect(ask({ ...place(own, kind), user: other.spec.owner, password: other.password, database })).rejects.toThrow(/password|pg_hba|denied|does not exist|no such/i);
        expect(performance.now() - began).toBeLessThan(PROMPT_MS);
      }
    }
  });

  it('fails over while 5,000 connections fill the pooler', async () => {
    const full = await flood(place(attacker, 'pooledPort'), 5_000, SSL_REQUEST);
    await engine.instances.fence(primary, attacker.effect());
    await engine.gateway.close(attacker.spec, attacker.effect());
    await engine.instances.promote(standby, attacker.effect());
    await engine.gateway.open(await routeTo(standby), attacker.effect());
    await ask();
    full.close();
    await eventually('pooled clients to be served again', () => ask(pooledPort(harness, attacker)).then(() => true, () => false));
    await rejoin();
  });

  it('removes a route in the middle of slow log-ins, which end with it', async () => {
    const { owner, name } = attacker.spec;
    const route = await routeTo(primary);
    const slow = KINDS.flatMap((kind) => [
      ...Array.from({ length: 10 }, () => converse(place(attacker, kind), [startupMessage(owner, name), Buffer.from('p\0\0')])),
      ...Array.from({ length: 10 }, () => converse(place(attacker, kind), [startupMessage(owner, name).subarray(0, 20)])),
    ]);
    const began = performance.now();
    await engine.gateway.remove(attacker.spec, attacker.effect());
    await Promise.all(slow);
    expect(performance.now() - began).toBeLessThan(5_000);
    for (const kind of KINDS) await expect(ask({ port: place(attacker, kind).port })).rejects.toThrow();
    await engine.gateway.open(route, attacker.effect());
    for (const kind of KINDS) await ask({ port: place(attacker, kind).port });
  });

  it('takes a new password at once, however it came, and refuses the old one, while clients are at work', async () => {
    const ports = [{}, pooledPort(harness, attacker), readOnlyPort(harness, attacker)];
    const owner = pg.escapeIdentifier(attacker.spec.owner);
    const works = (tried: string, changes: Partial<pg.ClientConfig>): Promise<boolean> => ask({ ...changes, password: tried }).then(() => true, (error: Error) => {
      expect(error.message).toMatch(/password|authentication/i);
      return false;
    });
    let going = true;
    const load = await Promise.all(Array.from({ length: 9 }, (_, at) => connect(ports[at % 3])));
    const working = Promise.all(load.map(async (client) => {
      while (going) await client.query('SELECT 1');
    }));
    const inSql = (wanted: string): Promise<unknown> => asAttacker((client) => client.query(`ALTER ROLE ${owner} PASSWORD '${wanted}'`));
    const byVerb = (wanted: string): Promise<void> => engine.instances.setOwnerVerifier(primary, scramVerifierSync(wanted), attacker.effect());
    for (const ways of [[inSql], [byVerb], [inSql, byVerb], [byVerb, inSql], [inSql, byVerb]] as ((wanted: string) => Promise<unknown>)[][]) {
      const old = password;
      const passwords = ways.map(() => randomBytes(12).toString('hex'));
      await Promise.all(ways.map((way, at) => way(passwords[at] ?? '').catch((error: unknown) => expect((error as Error).message).toMatch(/concurrently/))));
      const holding = (await Promise.all(passwords.map(async (one) => ((await works(one, {})) ? [one] : [])))).flat();
      expect(holding).toHaveLength(1);
      password = holding[0] ?? '';
      for (const changes of ports.slice(0, 2)) {
        expect(await works(password, changes)).toBe(true);
        expect(await works(old, changes)).toBe(false);
      }
      await eventually('the standby to have it', () => works(password, ports[2] ?? {}));
      expect(await works(old, ports[2] ?? {})).toBe(false);
    }
    going = false;
    await working;
  });

  it('keeps 400 pooled clients through a switchover at work, and through a failover those without a transaction', async () => {
    const crowd: pg.Client[] = [];
    // A few at a time, for they share their process with the neighbour.
    while (crowd.length < 400) crowd.push(...(await Promise.all(Array.from({ length: 10 }, () => connect(pooledPort(harness, attacker))))));
    let going = true;
    let answers = 0;
    const working = Promise.all(crowd.map(async (client) => {
      while (going) {
        await client.query('SELECT 1');
        answers += 1;
      }
    }));
    const before = answers;
    await eventually('all to be at work', () => answers > before + 400);
    await switchOver();
    const moved = answers;
    await eventually('all to be at work again', () => answers > moved + 400);
    going = false;
    await working;
    await rejoin();
    const busy = crowd[0];
    await busy?.query('BEGIN; SELECT 1');
    await engine.instances.fence(primary, attacker.effect());
    await engine.gateway.close(attacker.spec, attacker.effect());
    const waiting = Promise.all(crowd.slice(1).map((client) => client.query<{ one: number }>('SELECT 1 AS one')));
    await engine.instances.promote(standby, attacker.effect());
    await engine.gateway.open(await routeTo(standby), attacker.effect());
    expect((await waiting).every(({ rows }) => rows[0]?.one === 1)).toBe(true);
    await expect(busy?.query('SELECT 1')).rejects.toThrow();
    await rejoin();
  });

  it('tells a session that takes more memory than its plan has, and goes on with it and with all others', async () => {
    const [hungry, bystander] = [await connect(), await connect()];
    const eat = hungry.query(`SELECT length(string_agg(repeat(md5(n::text), 32768), '')) FROM generate_series(1, 700) AS n`);
    await expect(eat).rejects.toMatchObject({ code: '53200', message: expect.stringContaining('out of memory') });
    for (const client of [hungry, bystander]) expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('says at once which limit is reached', async () => {
    const fill = async (): Promise<void> => {
      for (let count = 0; count <= attacker.spec.size.maxConnections; count += 1) await connect();
    };
    await expect(fill()).rejects.toThrow(/too many connections for role/);
    const began = performance.now();
    await expect(connect()).rejects.toThrow(/too many connections for role/);
    const toldMs = performance.now() - began;
    expect(toldMs).toBeLessThan(PROMPT_MS);
    await Promise.all(clients.splice(0).map((client) => client.end()));
    const full = await flood(place(attacker, 'pooledPort'), 501, SSL_REQUEST);
    try {
      // The pooler meets them in an order of its own: a client that comes right after them may be in before the last.
      await eventually('the pooler to be full', () => ask(pooledPort(harness, attacker)).then(() => false, () => true));
      const refused = performance.now();
      await expect(ask(pooledPort(harness, attacker))).rejects.toThrow(/max_client_conn/);
      console.log(`limits were told after ${toldMs.toFixed(0)} and ${(performance.now() - refused).toFixed(0)} ms`);
      expect(performance.now() - refused).toBeLessThan(PROMPT_MS);
    } finally {
      full.close();
    }
    await eventually('pooled clients to be served again', () => ask(pooledPort(harness, attacker)).then(() => true, () => false));
  });

  it('ends a session that listens when its primary is lost, within seconds', async () => {
    const listening = await connect();
    const heard: string[] = [];
    listening.on('notification', ({ payload = '' }) => heard.push(payload));
    await listening.query('LISTEN news');
    await asAttacker((client) => client.query(`NOTIFY news, 'first'`), pooledPort(harness, attacker));
    await eventually('the news', () => heard.length === 1);
    let ended = false;
    listening.once('end', () => (ended = true));
    await engine.instances.fence(primary, attacker.effect());
    await engine.gateway.close(attacker.spec, attacker.effect());
    await eventually('the session to end', () => ended, 5_000);
    await engine.instances.promote(standby, attacker.effect());
    await engine.gateway.open(await routeTo(standby), attacker.effect());
    await rejoin();
  });

  it('serves pooled clients through a rotation that a switchover follows at once', async () => {
    const crowd = await Promise.all(Array.from({ length: 40 }, () => connect(pooledPort(harness, attacker))));
    let going = true;
    const working = Promise.all(crowd.map(async (client) => {
      while (going) await client.query('SELECT 1');
    }));
    const old = password;
    password = randomBytes(12).toString('hex');
    const database = { ...attacker.spec, ownerVerifier: scramVerifierSync(password) };
    await engine.instances.setOwnerVerifier(primary, database.ownerVerifier, attacker.effect());
    await engine.gateway.open(await routeTo(primary, database), attacker.effect());
    await switchOver(database);
    for (const changes of [{}, pooledPort(harness, attacker)]) {
      await ask(changes);
      await expect(ask({ ...changes, password: old })).rejects.toThrow(/password|authentication/i);
    }
    going = false;
    await working;
    await rejoin();
  });

  it.each([['port', 10_000, 10_000], ['pooledPort', 0, 10_000]] as const)('serves the neighbour while 5,000 silent, 5,000 idle and thousands of short connections come, at the %s', async (kind, silent, speaking) => {
    const before = await processes();
    const elsewhere = { port: place(attacker, kind).port, stream: () => socketFrom('127.0.0.9') };
    const floods = [await flood(place(attacker, kind), 5_000, null), await flood(place(attacker, kind), 5_000, SSL_REQUEST)];
    await hammer(place(attacker, kind), silent, null);
    await hammer(place(attacker, kind), speaking, SSL_REQUEST);
    // What is done about a gateway that does not answer would be felt by everybody.
    expect(await engine.gateway.keep('europe', signal())).toMatchObject({ started: [], failed: [] });
    for (const each of floods) each.close();
    await eventually('the attacker to be served again', () => ask(elsewhere).then(() => true, () => false));
    expect(await processes()).toEqual(before);
  });

  describe('a hostile owner', () => {
    it.each([
      ['reads and writes no file of the server\'s', [
        `SELECT pg_read_binary_file('PG_VERSION')`, `SELECT pg_stat_file('PG_VERSION')`, `SELECT pg_ls_logdir()`, 'SELECT pg_ls_waldir()', `SELECT pg_ls_tmpdir()`, 'SELECT pg_ls_archive_statusdir()',
        `COPY (SELECT 1) TO '/tmp/freehold-hostile'`, `COPY pg_class FROM '/etc/passwd'`, `SELECT lo_export(1, '/tmp/freehold-hostile')`, 'SELECT pg_current_logfile()', 'SELECT pg_hba_file_rules()',
        'SELECT pg_show_all_file_settings()', 'TABLE pg_config', `CREATE TABLESPACE t LOCATION '/tmp'`, 'SHOW data_directory', 'SHOW hba_file', 'SHOW primary_conninfo',
      ]],
      ['runs no program and no code but PostgreSQL\'s own', [
        `CREATE TEMP TABLE t (x text); COPY t FROM PROGRAM 'id'`, `LOAD '/tmp/x.so'`, `LOAD 'auto_explain'`, 'CREATE LANGUAGE plpython3u', 'CREATE EXTENSION plperlu', 'CREATE EXTENSION file_fdw', 'CREATE EXTENSION adminpack',
        `CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'`, `CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$libdir/pgstattuple', 'pgstattuple'`, `SET local_preload_libraries = '/tmp/x'; LOAD '../../x'`,
        `SET session_preload_libraries = 'x'`, `SET dynamic_library_path = '/tmp'`, 'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()', `CREATE TYPE t (INPUT = int4in, OUTPUT = int4out, LIKE = int4)`,
        'CREATE OPERATOR CLASS c FOR TYPE int4 USING btree AS STORAGE int4', 'CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler',
      ]],
      ['becomes nobody else', [
        'SET ROLE freehold', 'SET SESSION AUTHORIZATION freehold', 'SET ROLE freehold_dump', 'SET ROLE pg_read_server_files', 'CREATE ROLE x SUPERUSER', 'CREATE USER x REPLICATION', 'ALTER ROLE freehold PASSWORD NULL',
        `GRANT pg_execute_server_program TO CURRENT_USER`, `GRANT pg_read_server_files, pg_write_server_files TO CURRENT_USER`, `GRANT pg_monitor TO CURRENT_USER`, `GRANT freehold TO CURRENT_USER`, `GRANT freehold_replication TO CURRENT_USER`,
        ...['SUPERUSER', 'REPLICATION', 'CREATEROLE', 'BYPASSRLS', 'CONNECTION LIMIT -1'].map((word) => `ALTER ROLE CURRENT_USER ${word}`), 'ALTER ROLE freehold_replication RENAME TO mine', 'DROP ROLE freehold_dump', 'TABLE pg_shadow',
        'TABLE pg_user_mapping', `ALTER DATABASE postgres OWNER TO CURRENT_USER`, 'DROP DATABASE freehold', 'ALTER DATABASE freehold RENAME TO mine',
      ]],
      ['steers the server in no way', [
        'ALTER SYSTEM RESET ALL', `ALTER SYSTEM SET archive_command = 'id'`, 'SELECT pg_reload_conf()', 'SELECT pg_rotate_logfile()', 'SELECT pg_switch_wal()', `SELECT pg_create_restore_point('x')`, 'SELECT pg_promote()', 'SELECT pg_wal_replay_pause()', 'CHECKPOINT',
        `SELECT pg_create_logical_replication_slot('x', 'pgoutput')`, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`, `SELECT pg_replication_origin_create('x')`, `CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p`,
        `PREPARE TRANSACTION 'x'`, `SET synchronous_standby_names = ''`, 'SET zero_damaged_pages = on', 'SET session_replication_role = replica', 'SET ignore_checksum_failure = on', 'SET log_statement = none', 'SET track_activities = off', 'SET temp_file_limit = -1', 'SET max_connections = 1000',
        'SET ssl = off', 'SET hot_standby_feedback = on', `SELECT pg_stat_reset_shared('wal')`, 'SELECT pg_log_backend_memory_contexts(pg_backend_pid())', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user`,
        `SELECT pg_backup_start('x')`, `SELECT pg_start_backup('x')`,
      ]],
      ['reaches no other server from within', [
        'CREATE EXTENSION dblink', 'CREATE EXTENSION postgres_fdw', 'CREATE FOREIGN DATA WRAPPER w', `SELECT dblink_connect('host=127.0.0.1')`, `COPY (SELECT 1) TO PROGRAM 'nc 127.0.0.1 1'`,
      ]],
    ] as const)('%s', async (_, statements) => {
      const refused = /permission denied|must be superuser|must be owner|superuser|must have|must be a member|cannot be changed|cannot|does not exist|disabled|not allowed|not available|invalid value|could not|exceed|is not in progress/i;
      const taken: string[] = [];
      await asAttacker(async (client) => {
        for (const statement of statements) {
          const error = await client.query(`BEGIN; ${statement}`).then(() => undefined, (reason: Error) => reason);
          await client.query('ROLLBACK').catch(() => undefined);
          if (!error) taken.push(statement);
          else expect(error.message, statement).toMatch(refused);
        }
      });
      expect(taken).toEqual([]);
    });

    it('sees nothing of what others ask, and no address of theirs', async () => {
      await asAttacker(async (client) => {
        const { rows } = await client.query<{ usename: string | null; query: string | null; client_addr: string | null }>('SELECT usename, query, client_addr FROM pg_stat_activity WHERE usename IS DISTINCT FROM current_user');
        expect(rows.filter(({ query, client_addr }) => client_addr !== null || ![null, '', '<insufficient privilege>'].includes(query))).toEqual([]);
        const replication = (await client.query<{ client_addr: string | null; sent_lsn: string | null }>('SELECT client_addr, sent_lsn FROM pg_stat_replication')).rows;
        expect(replication.filter(({ client_addr, sent_lsn }) => client_addr !== null || sent_lsn !== null)).toEqual([]);
      });
    });

    it.each(['port', 'pooledPort', 'readOnlyPort'] as const)('replays nothing: no replication connection, at the %s', async (kind) => {
      for (const mode of ['database', 'true']) {
        const entered = await ask({ ...place(attacker, kind), replication: mode } as Partial<pg.ClientConfig>).then(() => true, () => false);
        expect(entered, mode).toBe(false);
      }
    });

    it('locks out nobody but itself with all the connections that it can have', async () => {
      const before = await processes();
      const { maxConnections } = attacker.spec.size;
      const opened = await Promise.all(Array.from({ length: 3 * maxConnections }, () => connect().then(() => true, () => false)));
      expect(opened.filter(Boolean).length).toBeLessThanOrEqual(maxConnections);
      expect(opened.filter(Boolean).length).toBeGreaterThan(maxConnections / 2);
      expect(await engine.instances.observe(primary, signal())).toMatchObject({ process: 'running', role: 'primary' });
      const { lsn } = await engine.instances.setSynchronousStandbys(primary, [standby.id], attacker.effect());
      await engine.instances.waitForFlush(primary, standby.id, lsn, attacker.effect());
      await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
      await eventually('the attacker to be served', () => ask().then(() => true, () => false));
      await expectUnharmed(before);
    });
  });

  it('serves two passwords side by side, each of them as the owner, until the older one\'s time is over', async () => {
    const next = randomBytes(18).toString('base64url');
    const login = `${attacker.spec.owner}_login_a`;
    const verifier = scramVerifierSync(password);
    const others = [{ name: login, verifier: scramVerifierSync(next), until: null }];
    const set = async (ownerUntil: string | null, ownerVerifier = verifier): Promise<void> => {
      const database = { ...attacker.spec, ownerVerifier, ownerLogins: { ownerUntil, others } };
      await engine.instances.setOwnerVerifier({ ...primary, database }, ownerVerifier, attacker.effect());
    };
    const whoAmI = 'SELECT current_user::text AS me, session_user::text AS session';
    const kinds = ['port', 'pooledPort', 'readOnlyPort'] as const;
    const old = await Promise.all(kinds.map((kind) => connect(place(attacker, kind))));
    await set(new Date(Date.now() + 3_600_000).toISOString());
    for (const kind of kinds) {
      await ask(place(attacker, kind));
      await eventually('the other log-in to be there', () => asAttacker((client) => client.query(whoAmI), { ...place(attacker, kind), user: login, password: next }).then(() => true, () => false));
      await asAttacker(async (client) => {
        // The pooler resets a session after each transaction.
        for (let turn = 0; turn < 3; turn += 1) expect((await client.query(whoAmI)).rows).toEqual([{ me: attacker.spec.owner, session: login }]);
        if (kind !== 'readOnlyPort') await client.query(`CREATE TABLE made_${kind.toLowerCase()} (n int)`);
      }, { ...place(attacker, kind), user: login, password: next });
    }
    expect(await asAttacker(async (client) => (await client.query(`SELECT DISTINCT tableowner::text AS owner FROM pg_tables WHERE tablename LIKE 'made\\_%'`)).rows)).toEqual([{ owner: attacker.spec.owner }]);
    await asAttacker((client) => client.query('DROP TABLE made_port, made_pooledport; CREATE DATABASE more; DROP DATABASE more').catch(() => client.query('DROP TABLE made_port, made_pooledport')));
    expect((await engine.instances.observeRoles(primary, signal())).map(({ name }) => name)).not.toContain(login);
    // Nobody has told it anything when the time is over.
    await set(new Date(Date.now() - 1_000).toISOString());
    for (const kind of kinds) await eventually('the older password to be refused', () => ask(place(attacker, kind)).then(() => false, () => true));
    for (const client of old) await client.query('SELECT 1');
    await set(null, scramVerifierSync(next));
    for (const kind of kinds) for (const user of [login, attacker.spec.owner]) {
      await eventually('both names to go with the newer password', () => ask({ ...place(attacker, kind), user, password: next }).then(() => true, () => false));
    }
    // Without an overlap there is one name again; who is in stays in.
    const late = await connect({ user: login, password: next });
    await engine.instances.setOwnerVerifier(primary, verifier, attacker.effect());
    await expect(ask({ user: login, password: next })).rejects.toThrow();
    await ask();
    await late.query('SELECT 1');
  });

  describe('an allow-list', () => {
    const kinds = ['port', 'pooledPort', 'readOnlyPort'] as const;
    const from = (source: string, kind: (typeof kinds)[number] = 'port'): Partial<pg.ClientConfig> => ({ port: place(attacker, kind).port, stream: () => socketFrom(source) });
    const restrict = (allowList: readonly string[]) => engine.gateway.restrict({ ...attacker.spec, allowList }, attacker.effect());
    const refused = async (source: string): Promise<boolean[]> => Promise.all(kinds.map((kind) => ask(from(source, kind)).then(() => false, () => true)));
    const ended = (client: pg.Client): Promise<void> => new Promise((resolve) => client.once('end', resolve));
    afterEach(async () => void (await restrict(['0.0.0.0/0', '::/0'])));

    it('cuts those that may not be in any more, at each endpoint, and nobody else', async () => {
      const [goes, stays] = await Promise.all(['127.0.0.8', '127.0.0.9'].map((source) => Promise.all(kinds.map((kind) => connect(from(source, kind))))));
      const inTransaction = await Promise.all(kinds.map((kind) => connect(from('127.0.0.9', kind))));
      for (const client of inTransaction) await client.query('BEGIN; SELECT 1');
      const gone = Promise.all(goes!.map(ended));
      const began = performance.now();
      expect(await restrict(['127.0.0.9/32'])).toEqual({ cut: 3 });
      await gone;
      console.log(`three sessions were cut within ${(performance.now() - began).toFixed(0)} ms`);
      for (const client of [...stays!, ...inTransaction]) await client.query('SELECT 1');
      expect([await refused('127.0.0.8'), await refused('127.0.0.9')]).toEqual([[true, true, true], [false, false, false]]);
      const { refusals } = await engine.gateway.refusalsOf!(attacker.spec, signal());
      expect(refusals.find(({ reason }) => reason === 'allow-list')).toMatchObject({ count: 3, last: { source: '127.0.0.8' } });
    });

    it('asks the server nothing of a client at the pooler but who its user is, and it is not let in after its password', async () => {
      const config = await customerOptions(harness, attacker, { password, ...from('127.0.0.8', 'pooledPort') });
      await restrict([]);
      await expect(new pg.Client({ ...config, password: 'wrong' }).connect()).rejects.toThrow('login rejected');
      await expect(new pg.Client(config).connect()).rejects.toThrow('login rejected');
      // The control plane still proves the endpoint.
      await engine.gateway.verify(await routeTo(primary), password, [standby], attacker.effect());
    });

    it('is there before a router or a pooler that was killed lets anybody in, and after a failover', async () => {
      await measured?.stop();
      measured = undefined;
      await restrict(['127.0.0.9/32', '2001:db8::/32']);
      for (const pid of await Promise.all(['router', `poolers/${attacker.spec.id}`].map(pidOf))) process.kill(pid, 'SIGKILL');
      await eventually('the gateway to be kept', async () => (await engine.gateway.keep('europe', signal())).started.length === 0);
      expect([await refused('127.0.0.8'), await refused('127.0.0.9')]).toEqual([[true, true, true], [false, false, false]]);
      await engine.gateway.close(attacker.spec, attacker.effect());
      await engine.gateway.open({ ...(await routeTo(primary)), database: { ...attacker.spec, allowList: ['127.0.0.9/32'] } }, attacker.effect());
      expect([await refused('127.0.0.8'), await refused('127.0.0.9')]).toEqual([[true, true, true], [false, false, false]]);
      await expect(engine.gateway.restrict(attacker.spec, { ...attacker.effect(), token: 1n })).rejects.toMatchObject({ kind: 'superseded' });
      expect(await refused('127.0.0.8')).toEqual([true, true, true]);
    });
  });

  describe('when router and pooler are killed', () => {
    // The neighbour shares the router, and is cut with it.
    beforeEach(async () => {
      await measured?.stop();
      measured = undefined;
    });

    it.each(['before', 'during'] as const)('serves everybody in the end, though that was %s each step of a failover', async (moment) => {
      const kill = async (): Promise<void> => {
        for (const pid of await Promise.all(['router', `poolers/${attacker.spec.id}`].map(pidOf))) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch (error) {
            expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
          }
        }
      };
      const disturbed = async (act: () => Promise<unknown>): Promise<void> => {
        const persist = async (): Promise<void> => {
          // As a step does: it is tried again.
          for (let attempt = 1; ; attempt += 1) {
            const error = await act().then(() => undefined, (reason: unknown) => reason);
            if (!error) return;
            expect(error).toMatchObject({ name: 'EngineError' });
            expect(attempt).toBeLessThan(4);
          }
        };
        if (moment === 'before') await kill();
        const acting = persist();
        if (moment === 'during') await kill();
        await acting;
      };
      await disturbed(() => engine.gateway.close(attacker.spec, attacker.effect()));
      await disturbed(() => engine.instances.fence(primary, attacker.effect()));
      await disturbed(() => engine.instances.promote(standby, attacker.effect()));
      const route = await routeTo(standby);
      await disturbed(() => engine.gateway.open(route, attacker.effect()));
      await kill();
      await eventually('the gateway to be kept', async () => (await engine.gateway.keep('europe', signal())).started.length === 0);
      for (const database of [attacker, neighbour]) for (const kind of KINDS) await asCustomer(harness, database, (client) => client.query('SELECT 1'), { ...(database === attacker && { password }), port: place(database, kind).port });
      await rejoin();
    });
  });
});
