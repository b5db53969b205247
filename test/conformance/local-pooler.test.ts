import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Vault } from '../../src/secrets/vault.js';
import { prepareLocalFleet, purgeLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { drawFreePort } from '../../src/engine/local/fleet/free-ports.js';
import { Pooler } from '../../src/engine/local/gateway/pooler/pooler-process.js';
import type { PoolerTarget } from '../../src/engine/local/gateway/pooler/pooler-config.js';
import type { Gate } from '../../src/engine/local/machine/gate.js';
import { LocalInstances } from '../../src/engine/local/instances/local-instances.js';
import { LocalFleet } from '../../src/engine/local/fleet/local-fleet.js';
import type { DatabaseSpec, Effect, InstanceRef } from '../../src/engine/ports.js';
import { scramVerifierSync } from '../../src/secrets/scram-verifier.js';
import { eventually } from '../support/servers.js';

const PROGRAMS = '/usr/local/lib/freehold';
const REGION = 'europe';

/** A database with one instance and a pooler; its route's gate is what the pooler is told things through. */
class PooledDatabase {
  readonly password = randomBytes(18).toString('base64url');
  readonly spec: DatabaseSpec;
  readonly primary: InstanceRef;
  readonly pooler: Pooler;
  target: PoolerTarget = { address: '', port: 0 };
  private token = 0n;

  constructor(readonly fleet: LocalFleet, readonly instances: LocalInstances, account: number, readonly port: number) {
    const suffix = randomBytes(4).toString('hex');
    this.spec = {
      id: `db_${suffix}`, region: REGION, account, endpointSlot: account, name: `shop-${suffix}`, owner: `shop-${suffix}`, ownerVerifier: scramVerifierSync(this.password),
      size: { memoryMb: 256, maxConnections: 20, diskGb: 10 },
      secrets: { control: randomBytes(18).toString('base64url'), replication: randomBytes(18).toString('base64url'), volume: randomBytes(64).toString('base64') },
    };
    this.primary = { id: `ins_${suffix}A`, host: fleet.region(REGION).dataCenters[0]?.hosts[0]?.id ?? '', database: this.spec };
    this.pooler = new Pooler(fleet, { program: program(), database: { ...this.spec, maxConnections: this.spec.size.maxConnections, networks: null }, listenAddress: this.address, port });
  }

  get address(): string {
    return this.fleet.region(REGION).gateway.address;
  }

  effect(): Effect {
    this.token += 1n;
    return { token: this.token, signal: signal(), trace: {} };
  }

  async create(): Promise<void> {
    const { address, port = 0 } = await this.instances.createPrimary(this.primary, this.effect());
    this.target = { address, port };
  }

  /** Tells the pooler something, as who changes a route does. */
  tell<T>(body: (gate: Gate) => Promise<T>): Promise<T> {
    const directory = `${this.fleet.root}/gateways/${REGION}/routes/${this.spec.id}`;
    return this.fleet.shell.fenced({ directory, token: 1n, name: `the route of ${this.spec.id}` }, signal(), body);
  }

  open(): Promise<void> {
    return this.tell((gate) => this.pooler.open(gate, this.target, signal()));
  }

  hold(): Promise<void> {
    return this.tell((gate) => this.pooler.hold(gate, signal()));
  }

  async connect(options: Connecting = {}): Promise<pg.Client> {
    const { direct, from, ...config } = options;
    const ca = await this.fleet.authorityCertificate(REGION);
    const place = direct ? this.target : { address: this.address, port: this.port };
    const client = new pg.Client({
      host: place.address, port: place.port, user: this.spec.owner, password: this.password, database: this.spec.name, connectionTimeoutMillis: 20_000,
      ...(from === undefined ? {} : { stream: () => new BoundSocket(from) }),
      ...config,
      ssl: { ca, ...(typeof config.ssl === 'object' ? config.ssl : {}) },
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async ask<T extends pg.QueryResultRow>(text: string, options: Connecting = {}): Promise<T[]> {
    const client = await this.connect(options);
    return client.query<T>(text).then(({ rows }) => rows).finally(() => client.end());
  }

  /** As the control plane. */
  control<T extends pg.QueryResultRow>(text: string, database = 'postgres'): Promise<T[]> {
    return this.ask<T>(text, { direct: true, user: 'freehold', password: this.spec.secrets.control, database });
  }
}

interface Connecting extends pg.ClientConfig {
  /** To the instance itself. */
  readonly direct?: boolean;
  /** The address to bind. */
  readonly from?: string;
}

class BoundSocket extends Socket {
  constructor(private readonly from: string) {
    super();
  }

  override connect(...words: unknown[]): this {
    const [port, host] = words as [number, string];
    return super.connect({ port, host, localAddress: this.from });
  }
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const program = (): string => `${PROGRAMS}/${readdirSync(PROGRAMS).filter((name) => name.startsWith('pgbouncer-')).sort().at(-1) ?? ''}/bin/pgbouncer`;

let parent = '';
let fleet: LocalFleet;
let instances: LocalInstances;
let shop: PooledDatabase;
let other: PooledDatabase;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'freehold-pooler-'));
  const vault = new Vault(randomBytes(32));
  await prepareLocalFleet({ dataDir: join(parent, 'fleet'), vault });
  fleet = await LocalFleet.open({ dataDir: join(parent, 'fleet'), vault, log: SILENT_LOG });
  instances = new LocalInstances(fleet);
  const taken = new Set<number>();
  for (const account of [1, 2]) {
    const made = new PooledDatabase(fleet, instances, account, await drawFreePort(fleet.region(REGION).gateway.address, taken));
    await made.create();
    await made.open();
    if (account === 1) shop = made;
    else other = made;
  }
});

afterAll(async () => {
  for (const database of [shop, other]) await database.tell((gate) => database.pooler.remove(gate, signal()));
  await instances.close();
  await purgeLocalFleet(join(parent, 'fleet'));
  await rm(parent, { recursive: true, force: true });
});

describe('who comes in', () => {
  it('lets the owner in with the right password, and nobody with another', async () => {
    expect(await shop.ask('SELECT current_user::text AS me, current_database()::text AS here')).toEqual([{ me: shop.spec.owner, here: shop.spec.name }]);
    await expect(shop.ask('SELECT 1', { password: 'wrong' })).rejects.toThrow();
    await expect(shop.ask('SELECT 1', { user: 'nobody' })).rejects.toThrow();
    await expect(shop.ask('SELECT 1', { user: other.spec.owner, password: other.password, database: other.spec.name })).rejects.toThrow();
  });

  it.each(['freehold', 'freehold_pooler', 'freehold_replication', 'freehold_dump', 'freehold_customers'])('keeps %s out of the pooler', async (user) => {
    for (const password of ['', shop.password, shop.spec.secrets.control, shop.spec.secrets.replication]) {
      await expect(shop.ask('SELECT 1', { user, password }), password).rejects.toThrow();
    }
  });

  it.each(['freehold', 'template1', 'template0', 'pgbouncer'])('keeps the owner out of the database %s', async (database) => {
    await expect(shop.ask('SELECT 1', { database })).rejects.toThrow();
    await expect(shop.ask('SELECT 1', { database, direct: true, from: shop.address })).rejects.toThrow();
  });

  it('lets the owner into the instance with a password from the gateway alone', async () => {
    expect(await shop.ask('SELECT 1 AS one', { direct: true, from: shop.address })).toEqual([{ one: 1 }]);
    await expect(shop.ask('SELECT 1', { direct: true })).rejects.toThrow(/certificate/);
    await expect(shop.ask('SELECT 1', { direct: true, from: shop.address, user: 'freehold' })).rejects.toThrow(/pg_hba/);
  });

  it('takes the certificate of the database\'s own pooler, and of no other, for customers alone', async () => {
    const pair = async ({ pooler }: PooledDatabase): Promise<pg.ClientConfig> => ({
      ssl: { key: await readFile(`${pooler.paths.etc}/client.key`, 'utf8'), cert: await readFile(`${pooler.paths.etc}/client.crt`, 'utf8') },
    });
    const own = await pair(shop);
    expect(await shop.ask('SELECT 1 AS one', { direct: true, password: '', ...own })).toEqual([{ one: 1 }]);
    await expect(shop.ask('SELECT 1', { direct: true, password: '', ...(await pair(other)) })).rejects.toThrow();
    const server = { ssl: { key: await readFile(`${shop.pooler.paths.etc}/server.key`, 'utf8'), cert: await readFile(`${shop.pooler.paths.etc}/server.crt`, 'utf8') } };
    await expect(shop.ask('SELECT 1', { direct: true, password: '', ...server })).rejects.toThrow();
    for (const user of ['freehold', 'freehold_replication', 'freehold_dump']) {
      await expect(shop.ask('SELECT 1', { direct: true, user, password: '', ...own }), user).rejects.toThrow();
    }
    await expect(shop.ask('SELECT 1', { direct: true, user: 'freehold_pooler', password: '', ...own })).rejects.toThrow();
    expect(await shop.ask(`SELECT count(*)::int AS found FROM public.pooler_login('freehold')`, { direct: true, user: 'freehold_pooler', password: '', database: 'freehold', ...own })).toEqual([{ found: 0 }]);
    await expect(shop.ask('TABLE pg_authid', { direct: true, user: 'freehold_pooler', password: '', database: 'freehold', ...own })).rejects.toThrow(/denied/);
  });

  it('takes a password that was changed in SQL at once', async () => {
    await shop.ask(`ALTER ROLE "${shop.spec.owner}" PASSWORD 'changed'`);
    try {
      expect(await shop.ask('SELECT 1 AS one', { password: 'changed' })).toEqual([{ one: 1 }]);
      await expect(shop.ask('SELECT 1')).rejects.toThrow();
    } finally {
      await shop.control(`ALTER ROLE "${shop.spec.owner}" PASSWORD '${shop.spec.ownerVerifier}'`);
    }
    expect(await shop.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('lives on after packets that make no sense', async () => {
    const before = await shop.pooler.find();
    for (const packet of [scramInitial('n,,'), scramInitial(''), scramInitial('y,,n=,r='), Buffer.from([0x70, 0, 0, 0, 4]), Buffer.from([0x70, 0, 0, 0, 5, 1]), Buffer.from([0x70, 0xff, 0xff, 0xff, 0xff])]) {
      await sendInsteadOfPassword(shop, packet);
    }
    expect(await shop.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await shop.pooler.find()).toMatchObject({ pid: before?.pid });
  });
});

describe('what a client finds', () => {
  it('gives two clients who call their statements the same each their own answers', async () => {
    const clients = await Promise.all(['a', 'b', 'c', 'd'].map(() => shop.connect()));
    const wrong = await Promise.all(clients.map(async (client, index) => {
      let faults = 0;
      for (let turn = 0; turn < 50; turn += 1) {
        const { rows } = await client.query<{ answer: number }>({ name: 's0', text: `SELECT $1::int * ${index + 1} AS answer`, values: [turn] });
        if (rows[0]?.answer !== turn * (index + 1)) faults += 1;
      }
      return faults;
    }));
    expect(wrong).toEqual([0, 0, 0, 0]);
    await Promise.all(clients.map((client) => client.end()));
  });

  it('keeps what a client sets at its start in each of its transactions, for it alone', async () => {
    const settings = `SELECT current_setting('IntervalStyle') AS style, current_setting('default_transaction_read_only') AS "readOnly",
      current_setting('TimeZone') AS zone, current_setting('application_name') AS name`;
    const options = '-c IntervalStyle=iso_8601 -c default_transaction_read_only=on -c TimeZone=Asia/Jakarta -c application_name=shop';
    const [set, plain] = await Promise.all([shop.connect({ options }), shop.connect()]);
    const own = { style: 'iso_8601', readOnly: 'on', zone: 'Asia/Jakarta', name: 'shop' };
    const { rows: [others] } = await plain.query<typeof own>(settings);
    expect(others).toMatchObject({ style: 'postgres', readOnly: 'off' });
    // Alone for a while, so that it has a session again and again that was just reset after itself; then in turns with another.
    const turns = [...Array.from({ length: 10 }, () => set), ...Array.from({ length: 10 }, () => [set, set, plain]).flat()];
    for (const client of turns) expect((await client.query<typeof own>(settings)).rows[0]).toEqual(client === set ? own : others);
    await Promise.all([set.end(), plain.end()]);
  });

  it('refuses by name what it cannot keep', async () => {
    const settings = ['statement_timeout=7s', 'role=nobody', 'work_mem=8MB', 'enable_seqscan=off', 'idle_session_timeout=3s'];
    const refused = await Promise.all(settings.map(async (setting) => {
      const name = setting.slice(0, setting.indexOf('='));
      const answer = await shop.ask('SELECT 1', { options: `-c ${setting}` }).catch((error: Error) => error.message);
      return { name, byName: typeof answer === 'string' && answer.includes(name) };
    }));
    expect(refused.filter(({ byName }) => !byName)).toEqual([]);
  });

  it('lets drivers in that send what changes nothing', async () => {
    expect(await shop.ask('SELECT 1 AS answer', { options: '-c extra_float_digits=2' })).toMatchObject([{ answer: 1 }]);
  });

  it('finds nothing of what another left behind', async () => {
    const [first, second] = await Promise.all([shop.connect(), shop.connect()]);
    for (const left of ['LISTEN news', 'SELECT pg_advisory_lock(7)', 'CREATE TEMP TABLE basket (x int)', `SET work_mem = '7MB'`, `SET search_path = ''`, 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY']) {
      let before: { pid: number } | undefined;
      let found: Record<string, unknown> = {};
      // The pooler has several sessions; what is asked for is what is left in the one that the first client had.
      await eventually('the same session', async () => {
        const answers = (await first.query(`SELECT pg_backend_pid() AS pid; ${left}`)) as unknown as pg.QueryResult<{ pid: number }>[];
        before = answers[0]?.rows[0];
        found = (await second.query<Record<string, unknown>>(`SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM pg_listening_channels()) AS channels, current_setting('work_mem') AS memory, current_setting('search_path') AS path, to_regclass('basket')::text AS basket,
        (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, (SELECT count(*)::int FROM pg_cursors WHERE is_holdable) AS cursors,
        current_setting('transaction_read_only') AS "readOnly"`)).rows[0] ?? {};
        expect(found, left).toMatchObject({ channels: 0, memory: '3MB', path: '"$user", public', basket: null, locks: 0, cursors: 0, readOnly: 'off' });
        return found['pid'] === before?.pid;
      }, 10_000);
    }
    await first.query('PREPARE mine AS SELECT 1');
    for (let turn = 0; turn < 8; turn += 1) await expect(second.query('EXECUTE mine')).rejects.toThrow(/does not exist/);
    await Promise.all([first.end(), second.end()]);
  });

  it('reaches a further database that the owner has made', async () => {
    await shop.ask('CREATE DATABASE more', { database: 'postgres' });
    expect(await shop.ask('SELECT current_database()::text AS here', { database: 'more' })).toEqual([{ here: 'more' }]);
    await expect(shop.ask('CREATE DATABASE copy TEMPLATE freehold')).rejects.toThrow(/denied/);
    await expect(shop.ask('CREATE TABLE t (x int)', { database: 'postgres' })).rejects.toThrow(/denied/);
    await expect(shop.ask(`GRANT freehold_customers TO "${shop.spec.owner}" WITH ADMIN OPTION`)).rejects.toThrow();
    await expect(shop.ask('CREATE ROLE somebody')).rejects.toThrow(/denied/);
  });

  it('says which limit is reached', async () => {
    const clients = await Promise.all(Array.from({ length: 9 }, () => shop.connect()));
    for (const client of clients.slice(0, 8)) await client.query('BEGIN; SELECT 1');
    const notices: string[] = [];
    clients[8]?.on('notice', ({ message = '' }) => notices.push(message));
    const late = clients[8]?.query('SELECT 1');
    await eventually('a notice about the wait', () => notices.length > 0, 15_000);
    expect(notices[0]).toMatch(/queued|wait/i);
    await Promise.all(clients.slice(0, 8).map((client) => client.query('COMMIT')));
    await late;
    await Promise.all(clients.map((client) => client.end()));
  });
});

describe('a route that is held', () => {
  it('has 50 clients wait and go on, and new ones too, without an error', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => shop.connect()));
    let goesOn = true;
    let done = 0;
    const work = clients.map(async (client) => {
      while (goesOn) {
        await client.query('SELECT pg_sleep(0.002)');
        done += 1;
      }
    });
    await eventually('some work', () => done > 100);
    for (let turn = 0; turn < 3; turn += 1) {
      await shop.hold();
      await eventually('the pooler to rest', () => shop.pooler.rests(signal()));
      const before = done;
      const late = shop.ask('SELECT 1 AS one');
      expect(await shop.pooler.rests(signal())).toBe(true);
      expect(done).toBe(before);
      await shop.open();
      expect(await late).toEqual([{ one: 1 }]);
      await eventually('more work', () => done > before + 100);
    }
    goesOn = false;
    await Promise.all(work);
    await Promise.all(clients.map((client) => client.end()));
  });

  it('ends who is in a transaction when it is cut, and nobody else', async () => {
    const [idle, busy, sleeping] = await Promise.all([shop.connect(), shop.connect(), shop.connect()]);
    await idle.query('SELECT 1');
    await busy.query('BEGIN; SELECT 1');
    const sleep = sleeping.query('SELECT pg_sleep(30)').catch((error: unknown) => error);
    const pid = (await shop.pooler.find())?.pid;
    await shop.tell((gate) => shop.pooler.cut(gate, signal()));
    expect(await shop.pooler.rests(signal())).toBe(true);
    expect(await sleep).toBeInstanceOf(Error);
    await shop.open();
    await expect(busy.query('SELECT 1')).rejects.toThrow();
    expect((await idle.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect((await shop.pooler.find())?.pid).toBe(pid);
    await idle.end();
  });

  it('kills a pooler that does not obey when it is cut, and starts it held', async () => {
    const pooler = await shop.pooler.find();
    process.kill(pooler?.pid ?? 0, 'SIGSTOP');
    await shop.tell((gate) => shop.pooler.cut(gate, signal()));
    expect((await shop.pooler.find())?.pid).not.toBe(pooler?.pid);
    const late = shop.ask('SELECT 1 AS one');
    await shop.open();
    expect(await late).toEqual([{ one: 1 }]);
  });

  it('is held after a start that says so, and open after another', async () => {
    await shop.tell((gate) => shop.pooler.stop(gate, signal()));
    await expect(shop.ask('SELECT 1')).rejects.toThrow();
    await shop.tell((gate) => shop.pooler.start(gate, undefined, signal()));
    let answered = false;
    const late = shop.ask('SELECT 1 AS one').finally(() => (answered = true));
    expect(await shop.pooler.serves((await shop.pooler.find()) ?? { pid: 0, startTicks: '', state: 'X' }, signal())).toBe(true);
    expect(answered).toBe(false);
    await shop.open();
    expect(await late).toEqual([{ one: 1 }]);
    await shop.tell((gate) => shop.pooler.stop(gate, signal()));
    await shop.tell((gate) => shop.pooler.start(gate, shop.target, signal()));
    expect(await shop.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('takes idle clients along when the instance starts anew', async () => {
    const idle = await shop.connect();
    await idle.query('SELECT 1');
    await shop.hold();
    await eventually('the pooler to rest', () => shop.pooler.rests(signal()));
    await instances.stopMarked(shop.primary, shop.effect());
    const late = idle.query('SELECT 1 AS one');
    await instances.unfence(shop.primary, shop.effect());
    await shop.open();
    expect((await late).rows).toEqual([{ one: 1 }]);
    await idle.end();
  });

  it('serves a cluster of an earlier version once that is equipped', async () => {
    const owner = `"${other.spec.owner}"`;
    await other.tell((gate) => other.pooler.hold(gate, signal()));
    await other.control('DROP DATABASE freehold');
    for (const statement of [`REVOKE CONNECT ON DATABASE postgres FROM ${owner}`, `ALTER ROLE ${owner} NOCREATEDB`, 'DROP ROLE freehold_pooler', 'DROP ROLE freehold_customers']) await other.control(statement);
    for (let time = 0; time < 2; time += 1) await instances.equip(other.primary, other.effect());
    await other.open();
    expect(await other.ask('SELECT current_user::text AS me', { database: 'postgres' })).toEqual([{ me: other.spec.owner }]);
    await other.ask('CREATE DATABASE more');
    await expect(other.ask('SELECT 1', { password: 'wrong' })).rejects.toThrow();
  });
});

/** A client's first message of SCRAM, with these contents. */
function scramInitial(contents: string): Buffer {
  const mechanism = Buffer.from('SCRAM-SHA-256\0');
  const header = Buffer.alloc(5);
  const length = Buffer.alloc(4);
  header.write('p');
  header.writeInt32BE(4 + mechanism.length + 4 + contents.length, 1);
  length.writeInt32BE(contents.length);
  return Buffer.concat([header, mechanism, length, Buffer.from(contents)]);
}

/** Begins to log in over TLS, sends a packet where the password belongs, and waits for the end. */
async function sendInsteadOfPassword({ address, port, spec }: PooledDatabase, packet: Buffer): Promise<void> {
  const socket = connectTcp(port, address);
  socket.on('error', () => undefined);
  socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
  await once(socket, 'data');
  const secure: TLSSocket = connectTls({ socket, rejectUnauthorized: false });
  secure.on('data', () => undefined);
  secure.on('error', () => undefined);
  const words = Buffer.from(`user\0${spec.owner}\0database\0${spec.name}\0\0`);
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + words.length, 0);
  header.writeInt32BE(196_608, 4);
  secure.write(Buffer.concat([header, words]));
  await once(secure, 'data');
  secure.end(packet);
  await once(secure, 'close');
}

const once = (socket: Socket, event: string): Promise<void> => new Promise((resolve) => socket.once(event, () => resolve()));
