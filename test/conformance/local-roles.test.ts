import { text } from 'node:stream/consumers';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Engine, InstanceRef } from '../../src/engine/ports.js';
import { socketFrom } from '../../src/engine/local/sql/customer-session.js';
import { asCustomer } from './engine-suite.js';
import { scramVerifierSync } from '../../src/secrets/scram-verifier.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

type Body<T> = (client: pg.Client) => Promise<T>;

describe('the roles of a customer\'s own', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let shop: TestDatabase;
  let primary: InstanceRef;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);

  /** A session at the instance itself: a customer's comes from the gateway. */
  async function enter<T>(user: string, password: string, database: string, body: Body<T>): Promise<T> {
    const { address: host, port = 0 } = await engine.instances.observe(primary, signal());
    const gateway = harness.fleet.regions.find(({ id }) => id === shop.spec.region)!.gateway.address;
    return asCustomer(harness, shop, body, { host, port, user, password, database, ...(user !== 'freehold' && { stream: () => socketFrom(gateway) }) });
  }
  const as = <T>(role: string, body: Body<T>, database = shop.spec.name): Promise<T> => enter(role, `password of ${role}`, database, body);
  const asOwner = <T>(body: Body<T>): Promise<T> => enter(shop.spec.owner, shop.password, shop.spec.name, body);
  const asControl = <T>(body: Body<T>, database = 'postgres'): Promise<T> => enter('freehold', shop.spec.secrets.control, database, body);
  const set = (name: string, access: 'readOnly' | 'readWrite', create = true): Promise<void> =>
    engine.instances.setRole(primary, { name, access, verifier: scramVerifierSync(`password of ${name}`), create }, shop.effect());
  const drop = (name: string): Promise<void> => engine.instances.dropRole(primary, name, shop.effect());

  beforeAll(async () => {
    harness = await openLocalHarness();
    ({ engine } = harness);
    shop = describeDatabase(engine);
    ({ primary } = shop);
    await provision(engine, shop);
    await asOwner((client) => client.query(`CREATE SCHEMA app; CREATE TABLE app."old items" (id serial PRIMARY KEY, label text); INSERT INTO app."old items" (label) VALUES ('old');
      CREATE TABLE secrets (whose name, secret text); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON secrets USING (whose = current_user);
      INSERT INTO secrets VALUES ('reporting', 'a'), ('somebody', 'b'); CREATE EXTENSION pg_trgm`));
  });
  afterAll(() => harness?.close());

  it('are made again without harm, and listed by name', async () => {
    for (let time = 0; time < 2; time += 1) {
      await set('worker', 'readWrite');
      await set('reporting', 'readOnly');
    }
    expect(await engine.instances.observeRoles(primary, signal())).toEqual([{ name: 'reporting', access: 'readOnly' }, { name: 'worker', access: 'readWrite' }]);
    expect(await asControl((client) => client.query(`SELECT datallowconn FROM pg_database WHERE datname = 'template0'`)).then(({ rows }) => rows)).toEqual([{ datallowconn: false }]);
  });

  it('read what the owner has and makes later, and write it if they may', async () => {
    await asOwner((client) => client.query(`CREATE SCHEMA later; CREATE TABLE later.items (id serial PRIMARY KEY, label text); CREATE VIEW later.view AS TABLE later.items`));
    for (const table of ['app."old items"', 'later.items']) {
      await as('worker', async (client) => {
        await client.query(`INSERT INTO ${table} (label) VALUES ('new'), ('newer')`);
        await client.query(`UPDATE ${table} SET label = 'newest' WHERE label = 'newer'; DELETE FROM ${table} WHERE label = 'new'`);
      });
      await as('reporting', async (client) => {
        expect((await client.query(`SELECT label FROM ${table} WHERE label <> 'old'`)).rows).toEqual([{ label: 'newest' }]);
        for (const statement of [`INSERT INTO ${table} (label) VALUES ('x')`, `UPDATE ${table} SET label = 'x'`, `DELETE FROM ${table}`, `TRUNCATE ${table}`, `SELECT nextval('later.items_id_seq')`]) {
          await expect(client.query(statement), statement).rejects.toThrow(/permission denied/);
        }
      });
    }
    await as('reporting', async (client) => expect((await client.query('SELECT label FROM later.view')).rows).toHaveLength(1));
  });

  it('follow into databases that are made later, from whichever template', async () => {
    const templates = ['template0', 'template1'];
    for (const template of templates) {
      await asControl((client) => client.query(`CREATE DATABASE from_${template} OWNER ${pg.escapeIdentifier(shop.spec.owner)} TEMPLATE ${template}`));
      await asControl((client) => client.query(`SET SESSION AUTHORIZATION ${pg.escapeIdentifier(shop.spec.owner)}; CREATE TABLE far AS SELECT 'from ${template}' AS came`), `from_${template}`);
      await as('reporting', async (client) => expect((await client.query('TABLE far')).rows).toEqual([{ came: `from ${template}` }]), `from_${template}`);
      await as('worker', (client) => client.query(`INSERT INTO far VALUES ('x')`), `from_${template}`);
    }
    const dump = await engine.backups!.dump(primary, signal(), 'from_template0');
    expect(await text(dump)).toContain('from_template0');
    await expect(engine.backups!.dump(primary, signal(), 'nowhere').then(text)).rejects.toThrow(/"nowhere" does not exist/);
  });

  it('have nothing beyond that: no catalog of passwords, no way through PostgreSQL\'s own views, no row that a policy hides', async () => {
    const forbidden = [
      'SELECT rolpassword FROM pg_authid', 'SELECT * FROM pg_shadow', `UPDATE pg_group SET groname = 'x'`, 'DELETE FROM pg_stat_database_conflicts', 'DELETE FROM information_schema.enabled_roles',
      'BEGIN; LOCK TABLE pg_roles IN ACCESS EXCLUSIVE MODE', 'CREATE TABLE mine ()', 'CREATE SCHEMA mine', 'CREATE ROLE mine', 'CREATE DATABASE mine', `SELECT pg_read_file('/etc/passwd')`,
      `COPY (SELECT 1) TO PROGRAM 'true'`, `SET ROLE ${pg.escapeIdentifier(shop.spec.owner)}`, 'SET ROLE freehold', 'SET log_min_messages = debug5', 'ALTER ROLE CURRENT_USER CREATEDB',
    ];
    for (const role of ['reporting', 'worker']) {
      for (const statement of forbidden) await expect(as(role, (client) => client.query(statement)), `${role}: ${statement}`).rejects.toThrow(/permission denied|must be superuser|must have/i);
      for (const database of ['postgres', 'template1', 'template0']) await expect(as(role, (client) => client.query('SELECT 1'), database), database).rejects.toThrow(/pg_hba.conf rejects|permission denied|not currently accepting/);
    }
    await as('reporting', async (client) => expect((await client.query('SELECT secret FROM secrets')).rows).toEqual([{ secret: 'a' }]));
  });

  it('leave alone what the owner has taken from them, and what is not the owner\'s', async () => {
    await asOwner((client) => client.query('REVOKE SELECT ON secrets FROM freehold_readers'));
    await set('reporting', 'readOnly', false);
    await expect(as('reporting', (client) => client.query('TABLE secrets'))).rejects.toThrow(/permission denied/);
    const { rows } = await asControl((client) => client.query(`SELECT count(*)::int AS touched FROM pg_class WHERE relowner = 10 AND relacl::text LIKE '%freehold_readers%'`), shop.spec.name);
    expect(rows).toEqual([{ touched: 0 }]);
  });

  it('are not made under names of others, nor changed where they are not there', async () => {
    for (const name of ['freehold', 'freehold_dump', 'freehold_customers', 'pg_monitor', 'postgres', shop.spec.owner, 'Upper', 'x"; --', '']) {
      await expect(set(name, 'readOnly'), name).rejects.toMatchObject({ kind: 'permanent' });
      await expect(drop(name), name).rejects.toMatchObject({ kind: 'permanent' });
    }
    await asControl((client) => client.query('CREATE ROLE stranger'));
    await expect(set('stranger', 'readOnly')).rejects.toMatchObject({ kind: 'permanent' });
    await expect(drop('stranger')).rejects.toMatchObject({ kind: 'permanent' });
    await expect(set('nobody', 'readOnly', false)).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('no role "nobody"') as string });
    await drop('nobody');
  });

  it('get their rights whatever operators and functions the owner has put beside PostgreSQL\'s own', async () => {
    await asOwner((client) => client.query(`CREATE SCHEMA trap; ALTER DATABASE ${pg.escapeIdentifier(shop.spec.name)} SET search_path = trap, pg_catalog;
      CREATE FUNCTION trap.quote_ident(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x TO ${shop.spec.owner}; ALTER ROLE "${shop.spec.owner}" SUPERUSER; --' $$;
      CREATE TABLE public."x TO freehold_readers; ALTER ROLE reporting SUPERUSER; --" (); CREATE EXTENSION citext SCHEMA pg_catalog`));
    // As if it were prepared for the first time.
    await asControl((client) => client.query(`ALTER DEFAULT PRIVILEGES FOR ROLE ${pg.escapeIdentifier(shop.spec.owner)} REVOKE ALL ON TABLES FROM freehold_readers, freehold_writers;
      ALTER DEFAULT PRIVILEGES FOR ROLE ${pg.escapeIdentifier(shop.spec.owner)} REVOKE ALL ON SEQUENCES FROM freehold_readers, freehold_writers;
      ALTER DEFAULT PRIVILEGES FOR ROLE ${pg.escapeIdentifier(shop.spec.owner)} REVOKE ALL ON SCHEMAS FROM freehold_readers`), shop.spec.name);
    await set('reporting', 'readOnly', false);
    await as('reporting', (client) => client.query('TABLE public."x TO freehold_readers; ALTER ROLE reporting SUPERUSER; --"'));
    const { rows } = await asControl((client) => client.query(`SELECT rolname FROM pg_roles WHERE rolsuper`));
    expect(rows).toEqual([{ rolname: 'freehold' }]);
    await asOwner((client) => client.query(`ALTER DATABASE ${pg.escapeIdentifier(shop.spec.name)} RESET search_path; DROP SCHEMA trap CASCADE`));
  });

  it('are removed with their sessions; what they own goes to the owner, without the owner\'s rights for anybody', async () => {
    await asOwner((client) => client.query('GRANT CREATE ON SCHEMA public TO worker; GRANT CREATE ON SCHEMA app TO worker'));
    await as('worker', (client) => client.query(`CREATE TABLE public.theirs AS SELECT 1 AS n; CREATE FUNCTION public.theirs() RETURNS name LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user';
      ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reporting`));
    let ended: Error | undefined;
    await as('worker', async (client) => {
      client.on('error', (error) => { ended = error; });
      await drop('worker');
      await eventually('the end of the session', () => ended !== undefined);
    });
    await expect(as('worker', (client) => client.query('SELECT 1'))).rejects.toThrow(/authentication failed|pg_hba/);
    expect(await engine.instances.observeRoles(primary, signal())).toEqual([{ name: 'reporting', access: 'readOnly' }]);
    await asOwner(async (client) => expect((await client.query('TABLE public.theirs')).rows).toEqual([{ n: 1 }]));
    await as('reporting', async (client) => expect((await client.query('SELECT public.theirs() AS who')).rows).toEqual([{ who: 'reporting' }]));
    await drop('worker');
  });

  it('say what is in the way of their removal', async () => {
    await set('worker', 'readWrite');
    await asControl((client) => client.query('GRANT CREATE ON SCHEMA public TO worker'), 'from_template1');
    await asControl((client) => client.query('ALTER DATABASE from_template1 ALLOW_CONNECTIONS false'));
    await expect(drop('worker')).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('"from_template1"') as string });
    await expect(as('worker', (client) => client.query('SELECT 1'))).rejects.toThrow(/not permitted to log in/);
    await asControl((client) => client.query('ALTER DATABASE from_template1 ALLOW_CONNECTIONS true'));
    await drop('worker');
  });

  it('are there after a promotion, with a password that can be changed', async () => {
    await engine.instances.fence(shop.primary, shop.effect());
    await engine.instances.promote(shop.standby, shop.effect());
    primary = shop.standby;
    await engine.instances.setSynchronousStandbys(primary, [], shop.effect());
    await as('reporting', async (client) => expect((await client.query('SELECT label FROM later.items')).rows).toEqual([{ label: 'newest' }]));
    await engine.instances.setRole(primary, { name: 'reporting', access: 'readOnly', verifier: scramVerifierSync('another one'), create: false }, shop.effect());
    await expect(as('reporting', (client) => client.query('SELECT 1'))).rejects.toThrow(/authentication failed/);
    await enter('reporting', 'another one', shop.spec.name, (client) => client.query('TABLE later.items'));
  });
});
