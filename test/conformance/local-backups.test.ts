import { randomBytes } from 'node:crypto';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BackupSet, BackupsPort, StoredBackup } from '../../src/engine/backups-port.js';
import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { customerOptions } from './engine-suite.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

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

  /** A database that a restore makes: other names, other secrets, another account. */
  function copyOf(suffix: string): TestDatabase {
    const described = describeDatabase(engine);
    return { ...described, primary: { ...described.primary, id: `${described.primary.id}${suffix}` } };
  }

  async function open(database: TestDatabase, instance: InstanceRef): Promise<void> {
    const { address, port = 0 } = await engine.instances.observe(instance, signal());
    const route: Route = { database: database.spec, target: { address, port } };
    await engine.gateway.open(route, database.effect());
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
    expect(await rows(copy, 'SELECT max(number), current_user FROM orders')).toEqual([1001, copy.spec.owner]);
    await engine.instances.destroy(copy.primary, copy.effect());
  }, 120_000);
});
