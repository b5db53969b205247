import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open as openFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { promisify } from 'node:util';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BackupSet, BackupsPort, RestoreTarget, StoredBackup } from '../../src/engine/backups-port.js';
import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { customerOptions } from './engine-suite.js';
import { eventually } from '../support/servers.js';
import { describeCopy, describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const run = promisify(execFile);
const AN_HOUR_S = 3_600;
const isRoot = process.getuid?.() === 0;
const signal = (): AbortSignal => AbortSignal.timeout(90_000);

describe('the local engine keeps backups', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let backups: BackupsPort;
  let shop: TestDatabase;
  let set: BackupSet;
  let live: string[];
  let copies: StoredBackup[];

  async function rows(database: TestDatabase, sql: string): Promise<unknown[]> {
    const client = new pg.Client(await customerOptions(harness, database));
    await client.connect();
    try {
      const results: unknown = await client.query({ text: sql, rowMode: 'array' });
      return (Array.isArray(results) ? results.at(-1) : results).rows.flat();
    } finally {
      await client.end();
    }
  }

  /** A database that a restore makes: other secrets, another account. */
  function copyOf(suffix: string): TestDatabase {
    const described = describeCopy(engine, shop);
    return { ...described, primary: { ...described.primary, id: `${described.primary.id}${suffix}` } };
  }

  /** Where the engine itself goes through, which is another mount of the data directory if nobody else may pass its parents. */
  const root = (): string => harness.root;
  const site = (id: string): string => `${harness.dataDir}/sites/${id}`;
  /** While the work runs, the machines of these sites are gone. */
  async function without<T>(sites: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const id of sites) await rename(site(id), `${site(id)}-gone`);
    try {
      return await work();
    } finally {
      for (const id of sites) await rename(`${site(id)}-gone`, site(id));
    }
  }

  /** Restores, asks the customer's question there, and removes it again. */
  async function askRestored(target: RestoreTarget, sql: string): Promise<unknown[]> {
    const copy = copyOf('Q');
    await backups.restore(copy.primary, set, target, copy.effect());
    await open(copy, copy.primary);
    try {
      return await rows(copy, sql);
    } finally {
      await engine.instances.destroy(copy.primary, copy.effect());
    }
  }

  async function open(database: TestDatabase, instance: InstanceRef): Promise<void> {
    const { address, port = 0 } = await engine.instances.observe(instance, signal());
    const route: Route = { database: database.spec, target: { address, port } };
    await engine.gateway.open(route, database.effect());
  }

  /** As if the instance had marked an hour ago what it holds. */
  async function backdate({ host, id }: InstanceRef): Promise<void> {
    const status = `${root()}/hosts/${host}/${shop.spec.id}/volume/${id}/data/pg_wal/archive_status`;
    const then = new Date(Date.now() - AN_HOUR_S * 1_000);
    for (const name of await readdir(status)) await utimes(`${status}/${name}`, then, then);
  }

  beforeAll(async () => {
    harness = await openLocalHarness();
    ({ engine } = harness);
    backups = engine.backups!;
    shop = describeDatabase(engine);
    set = { databaseId: shop.spec.id, region: shop.spec.region, account: shop.spec.account, name: shop.spec.name, owner: shop.spec.owner, key: randomBytes(32).toString('base64') };
    live = backups.sites().filter(({ kind }) => kind === 'live').map(({ id }) => id);
    await provision(engine, shop);
    await rows(shop, 'CREATE TABLE orders (number int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 1000)');
  }, 120_000);

  afterAll(async () => {
    await harness.close();
  }, 60_000);

  it('archives, backs up from the standby at every site, and restores to a moment under other names', async () => {
    for (const instance of [shop.primary, shop.standby]) await backups.archiveTo(instance, set, live, shop.effect());
    copies = [];
    for (const site of live) copies.push(await backups.backUp(shop, set, site, 'bkp_one', shop.effect()));
    expect(await backups.backUp(shop, set, live[0]!, 'bkp_one', shop.effect()), 'a repeated call finds it').toEqual(copies[0]);
    await rows(shop, 'INSERT INTO orders VALUES (1001)');
    const [moment] = await rows(shop, 'SELECT clock_timestamp()');
    await rows(shop, 'INSERT INTO orders VALUES (1002)');
    await backups.archiveNow(shop.primary, shop.effect());
    expect(await backups.observeArchive(shop.primary, signal())).toMatchObject({ pendingFiles: 0, sites: live });
    expect((await backups.list(set, live[2]!, signal())).map(({ backupId }) => backupId)).toEqual(['bkp_one']);

    const copy = copyOf('R');
    const seen: number[] = [];
    const restored = await backups.restore(copy.primary, set, { site: live[1]!, time: moment as Date }, copy.effect(), (done) => seen.push(done));
    expect(restored).toMatchObject({ role: 'primary', process: 'running', marked: false });
    expect(seen.at(-1)).toBe(copies[1]!.databaseBytes);
    await open(copy, copy.primary);
    expect(await rows(copy, 'SELECT max(number), current_user::text FROM orders')).toEqual([1001, copy.spec.owner]);
    await engine.instances.destroy(copy.primary, copy.effect());
  }, 120_000);

  it('leaves no hole where a primary is lost before its wal was archived, and restores to moments on both sides', async () => {
    const moment = async (number: number): Promise<Date> => {
      await rows(shop, `INSERT INTO orders VALUES (${number})`);
      return (await rows(shop, 'SELECT clock_timestamp()'))[0] as Date;
    };
    const before = await without([live[2]!], async () => {
      const first = await moment(2_001);
      // One site that is gone holds up the archive of all: what follows stays with the primary, and dies with it.
      await rows(shop, 'INSERT INTO orders SELECT generate_series(10000, 60000)');
      const second = await moment(2_002);
      await eventually('wal to wait', async () => (await backups.observeArchive(shop.primary, signal())).pendingFiles > 0);
      const { lsn } = await engine.instances.setSynchronousStandbys(shop.primary, [shop.standby.id], shop.effect());
      await engine.instances.waitForFlush(shop.primary, shop.standby.id, lsn, shop.effect());
      await engine.instances.fence(shop.primary, shop.effect());
      return [first, second] as const;
    });
    await engine.instances.promote(shop.standby, shop.effect());
    await without([live[2]!], async () => {
      await backdate(shop.standby);
      for (let time = 0; time < 2; time += 1) await backups.adoptArchive(shop.standby, shop.effect());
      const { pendingFiles, pendingSeconds } = await backups.observeArchive(shop.standby, signal());
      expect([pendingFiles > 0, pendingSeconds < AN_HOUR_S / 2], 'what a standby streamed long ago waits since it is the primary').toEqual([true, true]);
    });
    await engine.instances.destroy(shop.primary, shop.effect());
    shop = { ...shop, primary: shop.standby, standby: shop.primary };
    await open(shop, shop.primary);
    const after = await moment(2_003);
    await moment(2_004);
    await backups.archiveNow(shop.primary, shop.effect());
    const question = 'SELECT array_agg(number ORDER BY number) FILTER (WHERE number BETWEEN 2001 AND 2999) FROM orders';
    expect(await askRestored({ site: live[1]!, time: before[0] }, question)).toEqual([[2_001]]);
    expect(await askRestored({ site: live[0]!, time: before[1] }, question)).toEqual([[2_001, 2_002]]);
    expect(await askRestored({ site: live[2]!, time: after }, question)).toEqual([[2_001, 2_002, 2_003]]);
    const late = copyOf('L');
    const future = { site: live[0]!, time: new Date(Date.now() + 3_600_000) };
    await expect(backups.restore(late.primary, set, future, late.effect())).rejects.toMatchObject({ kind: 'permanent' });
    expect(await engine.instances.observe(late.primary, signal()), 'a restore that fails leaves nothing').toMatchObject({ exists: false });
  }, 120_000);

  it('freezes a copy that restores when every other site is gone, and that nobody removes before its time', async () => {
    const [, , , frozen] = backups.sites().map(({ id }) => id);
    const from = { site: live[0]!, label: copies[0]!.label };
    const until = new Date(Date.now() + 3_600_000);
    const copy = await backups.freeze(set, from, frozen!, until, shop.effect());
    expect(await backups.freeze(set, from, frozen!, until, shop.effect())).toEqual(copy);
    expect(await backups.list(set, frozen!, signal())).toEqual([{ ...copies[0], frozenUntil: until }]);
    await expect(backups.expire(set, frozen!, copy.label, shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
    const immutable = isRoot && (await run('chattr', ['+i', `${site(frozen!)}/sets/${set.databaseId}/${copy.label}`]).then(() => true, () => false));
    if (immutable) await expect(rm(`${site(frozen!)}/sets/${set.databaseId}/${copy.label}`, { recursive: true })).rejects.toThrow();
    await without(live, async () => {
      await expect(backups.list(set, live[0]!, signal())).rejects.toMatchObject({ kind: 'transient' });
      expect(await backups.probe(live[0]!, signal())).toMatchObject({ usable: false });
      expect(await askRestored({ backup: { site: frozen!, label: copy.label } }, 'SELECT max(number) FROM orders')).toEqual([1_000]);
    });
    expect(await backups.probe(live[0]!, signal())).toMatchObject({ usable: true });
  }, 120_000);

  it('proves a backup, tells one that is damaged, takes one that was cut off anew, and expires and removes', async () => {
    const [good, bad] = [live[0]!, live[1]!];
    const { host } = shop.primary;
    const places = async (): Promise<string[]> => (await readdir(`${harness.dataDir}/hosts/${host}/${shop.spec.id}`)).sort();
    const before = await places();
    const proof = await backups.prove(set, { site: good, label: copies[0]!.label }, host, shop.effect());
    expect(proof).toMatchObject({ sound: true, remarks: [] });
    expect(proof.sound && proof.relations).toBeGreaterThan(100);
    const bundles = `${site(bad)}/sets/${set.databaseId}/backup/main/${copies[1]!.label}/bundle`;
    for (const name of await readdir(bundles)) {
      const file = await openFile(`${bundles}/${name}`, 'r+');
      await file.write(randomBytes(64), 0, 64, Math.floor((await stat(`${bundles}/${name}`)).size / 2));
      await file.close();
    }
    expect(await backups.prove(set, { site: bad, label: copies[1]!.label }, host, shop.effect())).toMatchObject({ sound: false, damage: expect.stringContaining('damaged') });
    expect(await places(), 'drills leave nothing').toEqual(before);

    await expect(backups.expire(set, good, copies[0]!.label, shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
    const controller = new AbortController();
    const cutOff = backups.backUp(shop, set, good, 'bkp_two', { ...shop.effect(), signal: controller.signal });
    cutOff.catch(() => undefined);
    const begun = eventually('the backup to begin', async () => (await readdir(`${site(good)}/sets/${set.databaseId}/backup/main`)).filter((name) => /^\d{8}-\d{6}F$/.test(name)).length === 2);
    await Promise.race([begun, cutOff]);
    controller.abort();
    await expect(cutOff).rejects.toMatchObject({ kind: 'outcome-unknown' });
    await eventually('another backup', async () => {
      try {
        return (await backups.backUp({ primary: shop.primary }, set, good, 'bkp_two', shop.effect())).backupId === 'bkp_two';
      } catch (error) {
        if ((error as { kind?: string }).kind === 'transient') return false;
        throw error;
      }
    });
    await backups.expire(set, good, copies[0]!.label, shop.effect());
    expect((await backups.list(set, good, signal())).map(({ backupId }) => backupId)).toEqual(['bkp_two']);
    const frozen = backups.sites().find(({ kind }) => kind === 'frozen')!.id;
    const [second] = await backups.list(set, good, signal());
    await backups.freeze(set, { site: good, label: second!.label }, frozen, new Date(), shop.effect());
    await backups.expire(set, frozen, second!.label, shop.effect());
    expect((await backups.list(set, frozen, signal())).map(({ label }) => label), 'its time was over').not.toContain(second!.label);
    await backups.remove(set, bad, shop.effect());
    expect(await backups.list(set, bad, signal())).toEqual([]);
  }, 120_000);

  it.runIf(isRoot)('ends a restore without room, or whose disk fills half-way, with nothing left, says so, and goes well once there is room', async () => {
    const copy = copyOf('T');
    const volume = `${root()}/hosts/${copy.primary.host}/${copy.spec.id}/volume`;
    const [{ databaseBytes }] = await backups.list(set, live[0]!, signal()) as [StoredBackup];
    const target = { site: live[0]!, time: 'latest' } as const;
    const giveRoom = (bytes: number) => run('mount', ['-o', `remount,size=${bytes}`, volume]);
    await mkdir(volume, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', volume]);
    try {
      for (const bytes of [8 * 2 ** 20, databaseBytes + 2 ** 20]) {
        await giveRoom(bytes);
        await expect(backups.restore(copy.primary, set, target, copy.effect()), `with ${bytes} bytes`).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('room'), hint: expect.stringContaining('make room') });
        expect(await readdir(volume)).toEqual([]);
      }
      await giveRoom(2 ** 30);
      expect(await backups.restore(copy.primary, set, target, copy.effect())).toMatchObject({ role: 'primary', process: 'running' });
      await engine.instances.destroy(copy.primary, copy.effect());
    } finally {
      await run('umount', [volume]);
    }
  }, 60_000);

  it.runIf(isRoot)('tells of a site that is full before nothing can be written there', async () => {
    const directory = `${root()}/sites/${live[0]!}`;
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', directory]);
    try {
      expect(await backups.probe(live[0]!, signal())).toMatchObject({ usable: false, reason: expect.stringContaining('no site') });
      await writeFile(`${directory}/freehold-site`, '');
      expect(await backups.probe(live[0]!, signal())).toMatchObject({ usable: false, reason: expect.stringContaining('full') });
      await run('mount', ['-o', 'remount,size=512m', directory]);
      expect(await backups.probe(live[0]!, signal())).toMatchObject({ usable: true });
    } finally {
      await run('umount', [directory]);
    }
  });

  it('dumps what pg_restore reads', async () => {
    const lister = spawn('pg_restore', ['--list'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let listed = '';
    lister.stdout.on('data', (chunk: Buffer) => { listed += chunk.toString(); });
    // It has read enough once it has the table of contents.
    lister.stdin.on('error', () => undefined);
    (await backups.dump(shop.primary, signal())).pipe(lister.stdin);
    expect(await once(lister, 'close')).toEqual([0, null]);
    expect(listed).toContain('TABLE DATA public orders');

  }, 60_000);

  it('dumps what row-level security hides from its owner, large objects and sequences, exactly', async () => {
    await rows(shop, `CREATE TABLE hidden (id serial, note text); INSERT INTO hidden (note) SELECT 'row ' || n FROM generate_series(1, 3) n;
      ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY; SELECT lo_from_bytea(4711, 'large')`);
    expect(await rows(shop, 'SELECT count(*)::integer FROM hidden')).toEqual([0]);
    const script = spawn('pg_restore', ['--file=-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const text = script.stdout.toArray();
    (await backups.dump(shop.primary, signal())).pipe(script.stdin);
    const sql = Buffer.concat(await text as Buffer[]).toString();
    expect(sql).toContain('COPY public.hidden (id, note) FROM stdin;\n1\trow 1\n2\trow 2\n3\trow 3\n\\.');
    expect(sql).toContain(`lo_open('4711'`);
    expect(sql).toContain(`lowrite(0, '\\x${Buffer.from('large').toString('hex')}')`);
    expect(sql).toContain(`setval('public.hidden_id_seq', 3, true)`);
    await rows(shop, 'DROP TABLE hidden; SELECT lo_unlink(4711)');
  }, 60_000);

  it('ends a dump when its reader does, and with an error when it fails', async () => {
    const controller = new AbortController();
    const aborted = await backups.dump(shop.primary, controller.signal);
    controller.abort();
    await expect(aborted.toArray()).rejects.toMatchObject({ kind: 'outcome-unknown' });
    const wrong = { ...shop.primary, database: { ...shop.spec, name: 'nobody' } };
    // That is so for good, and is said in the program's own words.
    await expect((await backups.dump(wrong, signal())).toArray()).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('database "nobody" does not exist') });
  }, 60_000);

  // The last of all: what it makes is not removed.
  it('dumps a database of six thousand tables, although its customer uses all connections', async () => {
    const MANY = 6_000;
    await rows(shop, 'CREATE SCHEMA many');
    // Each statement makes a part, for it holds locks on what it makes, too.
    for (let from = 0; from < MANY; from += 500) await rows(shop, `DO $$ BEGIN FOR n IN ${from + 1}..${from + 500} LOOP EXECUTE format('CREATE TABLE many.t%s (n int)', n); END LOOP; END $$`);
    const clients = await Promise.all(Array.from({ length: shop.spec.size.maxConnections }, async () => new pg.Client(await customerOptions(harness, shop))));
    try {
      await Promise.all(clients.map(async (client) => {
        client.on('error', () => undefined);
        await client.connect();
        await client.query('BEGIN');
      }));
      const lister = spawn('pg_restore', ['--list'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const listed = lister.stdout.toArray();
      lister.stdin.on('error', () => undefined);
      (await backups.dump(shop.primary, signal())).on('error', () => lister.kill()).pipe(lister.stdin);
      expect(Buffer.concat(await listed as Buffer[]).toString().match(/ TABLE DATA many /g)?.length).toBe(MANY);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }, 120_000);
});
