import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { EngineError } from '../../src/engine/errors.js';
import type { Effect, Route, StorageMeasure, Writing } from '../../src/engine/ports.js';
import { scramVerifierSync } from '../../src/secrets/scram-verifier.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type Harness, type TestDatabase } from './harness.js';

const run = promisify(execFile);

/** How a customer connects, as their own client would. */
export function customerOptions(harness: Harness, database: TestDatabase, changes: Partial<pg.ClientConfig> = {}): Promise<pg.ClientConfig> {
  const { host, port } = harness.engine.gateway.endpoint(database.spec);
  return harness.engine.gateway.certificateAuthority(database.spec.region).then((ca) => ({
    host,
    port,
    user: database.spec.owner,
    password: database.password,
    database: database.spec.name,
    ssl: { ca },
    connectionTimeoutMillis: 10_000,
    ...changes,
  }));
}

/** The ports of a database's other endpoints, as a change of {@link customerOptions}. */
export const pooledPort = (harness: Harness, { spec }: TestDatabase): { port: number } => ({ port: harness.engine.gateway.endpoint(spec).pooledPort });
export const readOnlyPort = (harness: Harness, { spec }: TestDatabase): { port: number } => ({ port: harness.engine.gateway.endpoint(spec).readOnlyPort });

export async function asCustomer<T>(harness: Harness, database: TestDatabase, body: (client: pg.Client) => Promise<T>, changes: Partial<pg.ClientConfig> = {}): Promise<T> {
  const client = new pg.Client(await customerOptions(harness, database, changes));
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await body(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * What every engine must do, whatever is behind the ports.
 *
 * Tests share two databases in the order in which they stand; what a test changes, it puts back.
 */
export function describeEngine(name: string, open: () => Promise<Harness>): void {
  describe(`the ports of the ${name} engine`, () => {
    let harness: Harness;
    let shop: TestDatabase;
    let other: TestDatabase;
    let shopRoute: Route;
    const signal = (): AbortSignal => AbortSignal.timeout(90_000);

    beforeAll(async () => {
      harness = await open();
      shop = describeDatabase(harness.engine);
      other = describeDatabase(harness.engine, 'europe', { provider: 'icu', name: 'de-DE' });
      [shopRoute] = await Promise.all([provision(harness.engine, shop), provision(harness.engine, other)]);
    });
    afterAll(() => harness?.close());

    it('tells what there is to place databases on: five regions, data centres that share no storage', () => {
      const regions = harness.engine.inventory();
      expect(regions.map((region) => region.id)).toEqual(['europe', 'americas', 'asia-pacific', 'middle-east-and-northern-asia', 'oceania']);
      const hosts = regions.flatMap((region) => region.dataCenters.flatMap((center) => center.hosts));
      expect(new Set(hosts.map((host) => host.storageId)).size).toBe(hosts.length);
      expect(regions.every((region) => region.dataCenters.length >= 2)).toBe(true);
    });

    it('makes a primary and a synchronous standby that it streams to', async () => {
      const primary = await harness.engine.instances.observe(shop.primary, signal());
      expect(primary).toMatchObject({ exists: true, marked: false, process: 'running', role: 'primary', timeline: 1, synchronousStandbys: [shop.standby.id] });
      expect(primary.standbys).toMatchObject([{ instanceId: shop.standby.id, state: 'streaming', syncState: 'quorum' }]);
      const standby = await harness.engine.instances.observe(shop.standby, signal());
      expect(standby).toMatchObject({ exists: true, process: 'running', role: 'standby', receiving: true, systemIdentifier: primary.systemIdentifier });
    });

    it('says what text can be sorted by, and sorts by what was asked for, in further databases too', async () => {
      const offer = await harness.engine.locales('europe', signal());
      expect(offer).toMatchObject({ icu: true, libc: expect.arrayContaining(['C', 'C.UTF-8']) as string[] });
      const sort = (database: TestDatabase): Promise<unknown[]> => asCustomer(harness, database, async (client) => (await client.query(`
        SELECT (SELECT string_agg(t, '' ORDER BY t) FROM unnest('{z,Ä,a,Z}'::text[]) t) AS sorted, lower('Ä') AS lower, datlocprovider AS provider,
               (SELECT count(DISTINCT (datlocprovider, datcollate, to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'))::int FROM pg_database d) AS kinds
          FROM pg_database WHERE datname = current_database()`)).rows);
      expect(await sort(shop)).toEqual([{ sorted: 'ZazÄ', lower: 'ä', provider: 'c', kinds: 1 }]);
      expect(await sort(other)).toEqual([{ sorted: 'aÄzZ', lower: 'ä', provider: 'i', kinds: 1 }]);
    });

    it.each(['port', 'pooledPort'] as const)('takes names and texts in any letters, and an application_name of two hundred of them, at the %s', async (kind) => {
      const text = 'Ünïcödé 😀 e\u0301 \u202e "quoted" \'\' \\ ;--';
      for (const applicationName of ['a'.repeat(100), 'a'.repeat(200), 'ä😀'.repeat(100), text]) {
        const { rows } = await asCustomer(harness, shop, async (client) => {
          await client.query(`CREATE TABLE ${pg.escapeIdentifier(text)} (${pg.escapeIdentifier(text)} text PRIMARY KEY)`);
          await client.query(`INSERT INTO ${pg.escapeIdentifier(text)} VALUES ($1)`, [text]);
          const found = await client.query<{ name: string; text: string }>(`SELECT current_setting('application_name') AS name, t.* FROM ${pg.escapeIdentifier(text)} t`);
          await client.query(`DROP TABLE ${pg.escapeIdentifier(text)}`);
          return found;
        }, { port: harness.engine.gateway.endpoint(shop.spec)[kind], application_name: applicationName });
        expect(rows).toEqual([expect.objectContaining({ [text]: text })]);
        // PostgreSQL keeps 63 bytes of it.
        if (/^a{100}$/.test(applicationName)) expect(rows[0]?.name).toBe('a'.repeat(63));
      }
    });

    it('gives each database a cluster of its own', async () => {
      const [one, two] = await Promise.all([shop, other].map((database) => harness.engine.instances.observe(database.primary, signal())));
      expect(one?.systemIdentifier).toBeDefined();
      expect(one?.systemIdentifier).not.toBe(two?.systemIdentifier);
    });

    it('proves the endpoint and leaves nothing in the customer\'s database', async () => {
      const proof = await harness.engine.gateway.verify(shopRoute, shop.password, [shop.standby], shop.effect());
      expect(proof.readOn).toEqual([shop.standby.id]);
      expect(proof.writeMs).toBeGreaterThan(0);
      const schemas = await asCustomer(harness, shop, async (client) => (await client.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'freehold%'`)).rows);
      expect(schemas).toEqual([]);
    });

    it('probes the endpoint by a client\'s means, as a role that sees nothing of the customer\'s', async () => {
      const { gateway } = harness.engine;
      if (!gateway.probe) return;
      expect(await gateway.probe(shop.spec, { write: true }, signal())).toEqual({ state: 'up', tookMs: expect.any(Number) });
      expect(await gateway.probe(shop.spec, { write: false }, signal())).toMatchObject({ state: 'up' });
      await gateway.close(shop.spec, shop.effect());
      expect((await gateway.probe(shop.spec, { write: false }, AbortSignal.timeout(300))).state).toBe('silent');
      await gateway.open(shopRoute, shop.effect());
      expect(await gateway.probe(shop.spec, { write: true }, signal())).toMatchObject({ state: 'up' });
      const ours = await asCustomer(harness, shop, async (client) => (await client.query(
        `SELECT datname, has_database_privilege('freehold_probe', datname, 'CONNECT') AS enters FROM pg_database WHERE NOT datistemplate ORDER BY datname`)).rows as { datname: string; enters: boolean }[]);
      expect(ours.filter(({ enters }) => enters)).toEqual([{ datname: 'freehold', enters: true }]);
    });

    it.each(['port', 'pooledPort', 'readOnlyPort'] as const)('serves psql with verify-full at the %s', async (kind) => {
      const { host, rootCertificatePath, [kind]: port } = harness.engine.gateway.endpoint(shop.spec);
      const uri = `postgresql://${shop.spec.owner}@${host}:${port}/${shop.spec.name}?sslmode=verify-full&sslrootcert=${rootCertificatePath}`;
      const { stdout } = await run('psql', ['-X', '-At', uri, '-c', 'SELECT current_database()'], { env: { ...process.env, PGPASSWORD: shop.password } });
      expect(stdout.trim()).toBe(shop.spec.name);
    });

    it('leads those who only read to a standby, and to the primary where none is in sync', async () => {
      const isStandby = (): Promise<unknown> => asCustomer(harness, shop, async (client) => (await client.query('SELECT pg_is_in_recovery() AS is')).rows[0].is, readOnlyPort(harness, shop));
      expect(await isStandby()).toBe(true);
      await harness.engine.gateway.open({ ...shopRoute, readers: [] }, shop.effect());
      expect(await isStandby()).toBe(false);
      await harness.engine.gateway.open(shopRoute, shop.effect());
      expect(await isStandby()).toBe(true);
    });

    it.each(['port', 'pooledPort'] as const)('refuses a wrong password, another customer, the server\'s own databases and clients without TLS at the %s', async (kind) => {
      const { [kind]: port } = harness.engine.gateway.endpoint(shop.spec);
      const attempt = (changes: Partial<pg.ClientConfig>): Promise<unknown> => asCustomer(harness, shop, (client) => client.query('SELECT 1'), { port, ...changes });
      await expect(attempt({})).resolves.toBeDefined();
      await expect(attempt({ password: 'wrong' })).rejects.toThrow();
      await expect(attempt({ database: other.spec.name })).rejects.toThrow();
      await expect(attempt({ user: other.spec.owner, password: other.password })).rejects.toThrow();
      await expect(attempt({ port: harness.engine.gateway.endpoint(other.spec)[kind] })).rejects.toThrow();
      await expect(attempt({ database: 'freehold' })).rejects.toThrow();
      await expect(attempt({ database: 'template1' })).rejects.toThrow();
      await expect(attempt({ database: 'pgbouncer' })).rejects.toThrow();
      await expect(attempt({ user: 'freehold', password: shop.spec.secrets.control })).rejects.toThrow();
      await expect(attempt({ ssl: false })).rejects.toThrow();
      await expect(attempt({ ssl: { ca: await harness.engine.gateway.certificateAuthority('oceania') } })).rejects.toThrow();
    });

    it('lets the customer make further databases, from the one that is there for maintenance', async () => {
      const maintain = (statement: string): Promise<unknown> => asCustomer(harness, shop, (client) => client.query(statement), { database: 'postgres' });
      await maintain('CREATE DATABASE further');
      for (const { port } of [{}, pooledPort(harness, shop)] as { port?: number }[]) {
        await asCustomer(harness, shop, (client) => client.query('CREATE TABLE IF NOT EXISTS made (n int)'), { database: 'further', ...(port !== undefined && { port }) });
      }
      await expect(maintain('CREATE TABLE public.left_behind (n int)')).rejects.toThrow('permission denied');
      await expect(maintain(`DROP DATABASE ${pg.escapeIdentifier(shop.spec.name)}; DROP DATABASE postgres`)).rejects.toThrow();
      await asCustomer(harness, shop, (client) => client.query('DROP DATABASE further WITH (FORCE)'));
    });

    it('lets nobody in at the instance itself but through the gateway', async () => {
      const { address: host, port } = await harness.engine.instances.observe(shop.primary, signal());
      const attempt = (changes: Partial<pg.ClientConfig>): Promise<unknown> => asCustomer(harness, shop, (client) => client.query('SELECT 1'), { host, ...(port ? { port } : {}), ...changes });
      await expect(attempt({})).rejects.toThrow();
      await expect(attempt({ database: 'postgres' })).rejects.toThrow();
      await expect(attempt({ database: 'template1' })).rejects.toThrow();
      await expect(attempt({ ssl: false })).rejects.toThrow();
    });

    it('keeps the customer from programs, files, roles and other sessions\' secrets', async () => {
      const forbidden = [
        `COPY (SELECT 1) TO PROGRAM 'true'`,
        `CREATE TABLE t (x text); COPY t FROM '/etc/passwd'`,
        `SELECT pg_read_file('/etc/passwd')`,
        `SELECT pg_ls_dir('/')`,
        `SELECT lo_import('/etc/passwd')`,
        `SELECT rolpassword FROM pg_authid`,
        'CREATE ROLE x',
        'CREATE DATABASE x TEMPLATE freehold',
        `ALTER ROLE ${pg.escapeIdentifier(shop.spec.owner)} SUPERUSER`,
        'ALTER SYSTEM SET fsync = off',
        `SELECT pg_create_physical_replication_slot('x')`,
        'SET log_min_messages = debug5',
        'CREATE FUNCTION f() RETURNS int LANGUAGE c AS $$libc$$, $$getpid$$',
      ];
      await asCustomer(harness, shop, async (client) => {
        for (const statement of forbidden) {
          await expect(client.query(statement), statement).rejects.toThrow(/permission denied|must be superuser|must be owner|superuser/i);
        }
        const { rows } = await client.query(`SELECT current_setting('primary_conninfo', true) AS a, current_setting('data_directory', true) AS b`).catch(() => ({ rows: [] }));
        expect(rows).toEqual([]);
      });
    });

    it('makes extensions as the list has it: the owner\'s, those that are made on request with what they grant, and no others', async () => {
      const { instances } = harness.engine;
      const make = (extension: string, schema = 'public') => instances.createExtension(shop.primary, { name: extension, schema }, shop.effect());
      for (const extension of ['hstore', 'earthdistance', 'pg_stat_statements', 'amcheck', 'pg_prewarm']) expect(await make(extension), extension).toEqual({ made: true });
      expect(await make('earthdistance')).toEqual({ made: false });
      for (const extension of ['dblink', 'file_fdw', 'postgres_fdw', 'pageinspect', 'pg_walinspect', 'adminpack', 'plpgsql_check', 'Hstore', `x"; SELECT 1; --`]) {
        await expect(make(extension), extension).rejects.toMatchObject({ kind: 'permanent' });
      }
      for (const schema of ['pg_catalog', 'information_schema', 'nowhere']) await expect(make('tcn', schema), schema).rejects.toMatchObject({ kind: 'permanent' });
      const found = await instances.observeExtensions(shop.primary, signal());
      const installed = Object.fromEntries(found.flatMap((one) => (one.installed ? [[one.name, `${one.installed.by} ${one.installed.schema}`]] : [])));
      expect(installed).toEqual({
        amcheck: 'freehold public', cube: 'freehold public', earthdistance: 'freehold public', hstore: 'owner public', pg_prewarm: 'freehold public',
        pg_stat_statements: 'freehold public', plpgsql: 'freehold pg_catalog',
      });
      expect(found.find((one) => one.name === 'citext')).toMatchObject({ trusted: true, installed: null });
      await asCustomer(harness, shop, async (client) => {
        await client.query('CREATE TABLE places (at earth); CREATE INDEX ON places USING gist (at); INSERT INTO places VALUES (ll_to_earth(52, 5))');
        await client.query(`SELECT earth_distance(at, ll_to_earth(48, 2)) FROM places WHERE at <> '(0)'; SELECT bt_index_check('pg_class_oid_index')`);
        const { rows } = await client.query<{ query: string }>(`SELECT query FROM pg_stat_statements WHERE query LIKE '%earth_distance%'`);
        expect(rows.map(({ query }) => query)).toEqual([expect.stringContaining('ll_to_earth($1, $2)') as string]);
        expect((await client.query(`SELECT FROM pg_stat_statements WHERE query LIKE '%SCRAM%' OR query ILIKE '%password%'`)).rowCount).toBe(0);
        await client.query('SELECT pg_stat_statements_reset()');
        await expect(client.query('SELECT autoprewarm_dump_now()')).rejects.toThrow(/permission denied/);
        await expect(client.query('DROP EXTENSION earthdistance')).rejects.toThrow(/must be owner/);
      });
      await expect(instances.dropExtension(shop.primary, 'earthdistance', shop.effect())).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('places') as string });
      await expect(instances.dropExtension(shop.primary, 'plpgsql', shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
      await asCustomer(harness, shop, (client) => client.query('DROP TABLE places'));
      for (const extension of ['earthdistance', 'cube', 'hstore', 'amcheck', 'pg_prewarm', 'pg_stat_statements', 'hstore']) await instances.dropExtension(shop.primary, extension, shop.effect());
      expect((await instances.observeExtensions(shop.primary, signal())).filter((one) => one.installed).map((one) => one.name)).toEqual(['plpgsql']);
    });

    it('runs no script of an extension where the customer has put anything, whatever lies there and is set', async () => {
      const { instances } = harness.engine;
      const make = () => instances.createExtension(shop.primary, { name: 'earthdistance', schema: 'public' }, shop.effect());
      const quoted = pg.escapeIdentifier(shop.spec.name);
      const { postgresVersion = '' } = await instances.observe(shop.primary, signal());
      const bounds = ['statement_timeout', ...(Number.parseInt(postgresVersion, 10) >= 17 ? ['transaction_timeout'] : [])];
      await asCustomer(harness, shop, (client) => client.query(`CREATE SCHEMA trap;
          CREATE FUNCTION trap.spring() RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF current_user <> '${shop.spec.owner}' THEN RAISE EXCEPTION 'sprung'; END IF; END $$;
          CREATE TYPE trap.cube AS (x int); CREATE TYPE public.box3 AS (x int);
          CREATE FUNCTION trap.abs(anyelement) RETURNS float8 LANGUAGE sql AS 'SELECT trap.spring(); SELECT 1::float8';
          CREATE FUNCTION trap.cube_dim(anyelement) RETURNS int LANGUAGE sql AS 'SELECT trap.spring(); SELECT 1';
          CREATE FUNCTION public.cube_distance(anyelement, text) RETURNS float8 LANGUAGE sql AS 'SELECT trap.spring(); SELECT 1::float8';
          CREATE FUNCTION trap.less(float8, text) RETURNS bool LANGUAGE sql AS 'SELECT trap.spring(); SELECT true';
          CREATE OPERATOR trap.< (LEFTARG = float8, RIGHTARG = text, FUNCTION = trap.less); CREATE OPERATOR public.< (LEFTARG = float8, RIGHTARG = text, FUNCTION = trap.less);
          ALTER DATABASE ${quoted} SET search_path = trap, public, pg_catalog; ALTER DATABASE ${quoted} SET default_transaction_read_only = on;
          ${bounds.map((name) => `ALTER DATABASE ${quoted} SET ${name} = '1ms';`).join(' ')} ALTER DATABASE ${quoted} SET standard_conforming_strings = off`));
      const options = ['search_path=public', 'default_transaction_read_only=off', ...bounds.map((name) => `${name}=0`)].map((option) => `-c ${option}`).join(' ');
      const asTenant = (sql: string): Promise<unknown> => asCustomer(harness, shop, (client) => client.query(sql), { options });
      // An extension of the owner's own may have members of the owner's own.
      await asTenant(`CREATE EXTENSION cube; CREATE FUNCTION public.cube_dim(anyelement) RETURNS int LANGUAGE sql AS 'SELECT trap.spring(); SELECT 1';
        ALTER EXTENSION cube ADD FUNCTION public.cube_dim(anyelement)`);
      await expect(make()).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('"cube", which the owner has made in schema "public"') as string });
      await asTenant('DROP EXTENSION cube');
      // A name of the script's is taken where it is to be moved: refused as a whole.
      await asTenant('CREATE FUNCTION public.earth() RETURNS float8 LANGUAGE sql AS \'SELECT 1::float8\'');
      await expect(make()).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('earth') as string });
      expect((await instances.observeExtensions(shop.primary, signal())).filter((one) => one.installed).map((one) => one.name)).toEqual(['plpgsql']);
      await asTenant('DROP FUNCTION public.earth()');
      expect(await make()).toEqual({ made: true });
      // Made again beside what Freehold has left there.
      await instances.dropExtension(shop.primary, 'earthdistance', shop.effect());
      expect(await make()).toEqual({ made: true });
      // Nothing of the extension leads to what is the owner's.
      await asTenant(`DO $$ BEGIN IF EXISTS (SELECT FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid WHERE p.proowner = current_user::regrole
        AND (d.classid, d.objid) IN (SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE contypid = 'public.earth'::regtype)) THEN RAISE 'caught'; END IF; END $$`);
      await instances.dropExtension(shop.primary, 'earthdistance', shop.effect());
      await instances.dropExtension(shop.primary, 'cube', shop.effect());
      await asTenant(`ALTER DATABASE ${quoted} RESET ALL; DROP SCHEMA trap CASCADE; DROP TYPE public.box3`);
      expect((await asCustomer(harness, shop, (client) => client.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'freehold%'`))).rows).toEqual([]);
    });

    it('answers a repeated verb with the same state', async () => {
      const { instances, gateway } = harness.engine;
      const before = await instances.observe(shop.primary, signal());
      await asCustomer(harness, shop, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'));
      const created = await instances.createPrimary(shop.primary, shop.effect());
      expect(created).toMatchObject({ role: 'primary', port: before.port, systemIdentifier: before.systemIdentifier });
      const attached = await instances.attachStandby(shop.standby, shop.primary, shop.effect());
      expect(attached).toMatchObject({ role: 'standby', receiving: true });
      for (let time = 0; time < 2; time += 1) {
        const { lsn } = await instances.setSynchronousStandbys(shop.primary, [shop.standby.id], shop.effect());
        await instances.waitForFlush(shop.primary, shop.standby.id, lsn, shop.effect());
        expect(await instances.start(shop.primary, shop.effect())).toMatchObject({ process: 'running' });
        await gateway.open(shopRoute, shop.effect());
        await instances.setOwnerVerifier(shop.primary, shop.spec.ownerVerifier, shop.effect());
        expect(await gateway.keep(shop.spec.region, signal())).toMatchObject({ started: [] });
      }
      const { rows } = await asCustomer(harness, shop, (client) => client.query('TABLE kept'));
      expect(rows).toEqual([{ answer: 42 }]);
      await asCustomer(harness, shop, (client) => client.query('DROP TABLE kept'));
    });

    it('relaxes the synchronous standbys and reinstates them, and says what new sessions are told', async () => {
      const { instances } = harness.engine;
      await instances.setSynchronousStandbys(shop.primary, [], shop.effect());
      const relaxed = await instances.observe(shop.primary, signal());
      expect(relaxed.synchronousStandbys).toEqual([]);
      expect(relaxed.standbys).toMatchObject([{ syncState: 'async' }]);
      await instances.setSynchronousStandbys(shop.primary, [shop.standby.id], shop.effect());
      expect((await instances.observe(shop.primary, signal())).synchronousStandbys).toEqual([shop.standby.id]);
    });

    it('refuses every verb of an older token, and changes nothing', async () => {
      const { instances, gateway } = harness.engine;
      const old: Effect = { token: 1n, signal: signal(), trace: {} };
      const verbs: Record<string, () => Promise<unknown>> = {
        createPrimary: () => instances.createPrimary(shop.primary, old),
        attachStandby: () => instances.attachStandby(shop.standby, shop.primary, old),
        setSynchronousStandbys: () => instances.setSynchronousStandbys(shop.primary, [], old),
        waitForFlush: () => instances.waitForFlush(shop.primary, shop.standby.id, '0/1', old),
        setOwnerVerifier: () => instances.setOwnerVerifier(shop.primary, scramVerifierSync('x'), old),
        equip: () => instances.equip(shop.primary, old),
        createExtension: () => instances.createExtension(shop.primary, { name: 'hstore', schema: 'public' }, old),
        dropExtension: () => instances.dropExtension(shop.primary, 'hstore', old),
        setRole: () => instances.setRole(shop.primary, { name: 'reporting', access: 'readOnly', verifier: scramVerifierSync('x'), create: true }, old),
        dropRole: () => instances.dropRole(shop.primary, 'reporting', old),
        start: () => instances.start(shop.primary, old),
        provideSlot: () => instances.provideSlot(shop.primary, shop.standby.id, old),
        dropSlot: () => instances.dropSlot(shop.primary, shop.standby.id, old),
        destroy: () => instances.destroy(shop.primary, old),
        fence: () => instances.fence(shop.primary, old),
        stopMarked: () => instances.stopMarked(shop.primary, old),
        unfence: () => instances.unfence(shop.primary, old),
        claim: () => instances.claim(shop.standby, old),
        promote: () => instances.promote(shop.standby, old),
        rejoin: () => instances.rejoin(shop.standby, shop.primary, old),
        close: () => gateway.close(shop.spec, old),
        pause: () => gateway.pause(shop.spec, 100, old),
        open: () => gateway.open({ ...shopRoute, target: { address: '127.0.0.1', port: 1 } }, old),
        remove: () => gateway.remove(shop.spec, old),
        verify: () => gateway.verify(shopRoute, shop.password, [], old),
      };
      await Promise.all(
        Object.entries(verbs).map(async ([verb, act]) => {
          const error = await act().then(() => undefined, (reason: unknown) => reason);
          expect(error, verb).toBeInstanceOf(EngineError);
          expect((error as EngineError).kind, verb).toBe('superseded');
        }),
      );
      expect(await instances.observe(shop.primary, signal())).toMatchObject({ process: 'running', synchronousStandbys: [shop.standby.id] });
      await gateway.verify(shopRoute, shop.password, [shop.standby], shop.effect());
    });

    it('changes the owner\'s password on the server and at the gateway', async () => {
      const changed = 'another-password-1';
      const verifier = scramVerifierSync(changed);
      const route = { ...shopRoute, database: { ...shop.spec, ownerVerifier: verifier } };
      await harness.engine.instances.setOwnerVerifier(shop.primary, verifier, shop.effect());
      await harness.engine.gateway.open(route, shop.effect());
      await harness.engine.gateway.verify(route, changed, [], shop.effect());
      await expect(asCustomer(harness, shop, (client) => client.query('SELECT 1'))).rejects.toThrow();
      await harness.engine.instances.setOwnerVerifier(shop.primary, shop.spec.ownerVerifier, shop.effect());
      await harness.engine.gateway.open(shopRoute, shop.effect());
      await harness.engine.gateway.verify(shopRoute, shop.password, [], shop.effect());
    });

    it('opens and removes other routes without one client noticing', async () => {
      let writes = 0;
      let going = true;
      const load = (changes: Partial<pg.ClientConfig>, table: string): Promise<void> =>
        asCustomer(harness, shop, async (client) => {
          await client.query(`CREATE TABLE ${table} (n int)`);
          while (going) writes += (await client.query(`INSERT INTO ${table} VALUES (1)`)).rowCount ?? 0;
          await client.query(`DROP TABLE ${table}`);
        }, changes);
      const clients = Promise.all([load({}, 'load_session'), load(pooledPort(harness, shop), 'load_pooled')]);
      const extra = describeDatabase(harness.engine);
      for (let time = 0; time < 3; time += 1) {
        const before = writes;
        await harness.engine.gateway.open({ database: extra.spec, target: shopRoute.target }, extra.effect());
        await harness.engine.gateway.remove(extra.spec, extra.effect());
        await eventually('the load to go on', () => writes > before + 4);
      }
      going = false;
      await expect(clients).resolves.toBeDefined();
    });

    it('opens many routes at once, and refuses among them only the one whose token is old', async () => {
      const extras = Array.from({ length: 8 }, () => describeDatabase(harness.engine));
      const [late, ...others] = extras;
      if (!late) throw new Error('there is no route to come late');
      const old = late.effect();
      await harness.engine.gateway.close(late.spec, late.effect());
      const openings = await Promise.allSettled([
        harness.engine.gateway.open({ database: late.spec, target: shopRoute.target }, old), harness.engine.gateway.open(shopRoute, shop.effect()),
        ...others.map((extra) => harness.engine.gateway.open({ database: extra.spec, target: shopRoute.target }, extra.effect())),
      ]);
      expect(openings[0]).toMatchObject({ status: 'rejected', reason: { kind: 'superseded' } });
      expect(openings.slice(1).map(({ status }) => status)).toEqual(Array(others.length + 1).fill('fulfilled'));
      await harness.engine.gateway.verify(shopRoute, shop.password, [shop.standby], shop.effect());
      await Promise.all(extras.map((extra) => harness.engine.gateway.remove(extra.spec, extra.effect())));
    });

    it('cuts the clients of a route that is removed, lets nobody in, and opens again', async () => {
      const cut = asCustomer(harness, shop, (client) => client.query('SELECT pg_sleep(30)'));
      cut.catch(() => undefined);
      await eventually('the client to be at work', async () => {
        const { rows } = await asCustomer(harness, shop, (client) => client.query(`SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'`), pooledPort(harness, shop));
        return rows.length > 0;
      });
      await harness.engine.gateway.remove(shop.spec, shop.effect());
      await expect(cut).rejects.toThrow();
      await expect(asCustomer(harness, shop, (client) => client.query('SELECT 1'))).rejects.toThrow();
      await harness.engine.gateway.remove(shop.spec, shop.effect());
      await harness.engine.gateway.open(shopRoute, shop.effect());
      await harness.engine.gateway.verify(shopRoute, shop.password, [shop.standby], shop.effect());
    });

    it('makes a full database read-only for those who do not ask for more, with room to delete and to vacuum', async () => {
      const { instances } = harness.engine;
      let count = 100n;
      const say = (writing: Writing, token = ++count): Promise<void> => instances.setWriting(shop.primary, writing, { token, signal: signal(), trace: {} });
      const measure = (): Promise<StorageMeasure> => instances.measureStorage(shop.primary, signal());
      const isRefused = (client: pg.Client): Promise<boolean> =>
        client.query('INSERT INTO filling VALUES (1)').then(() => false, ({ message }: Error) => message === 'cannot execute INSERT in a read-only transaction');
      await asCustomer(harness, shop, async (client) => {
        await client.query('CREATE TABLE filling (n int)');
        expect(await measure()).toMatchObject({ temporaryBytes: 0, writing: 'open' });
        expect((await measure()).dataBytes).toBeGreaterThan(16 * 2 ** 20);
        await say('readOnly');
        await eventually('a session that was open before to be refused', () => isRefused(client));
        await client.query('VACUUM FULL filling');
        await client.query('BEGIN READ WRITE; DELETE FROM filling; COMMIT');
      });
      await expect(say('open', count - 1n)).rejects.toMatchObject({ kind: 'superseded' });
      await instances.setOwnerVerifier(shop.primary, shop.spec.ownerVerifier, shop.effect());
      await instances.stopMarked(shop.primary, shop.effect());
      await instances.unfence(shop.primary, shop.effect());
      expect((await measure()).writing, 'after a restart').toBe('readOnly');
      await eventually('a new session to be refused after a restart', () => asCustomer(harness, shop, isRefused).catch(() => false));
      await asCustomer(harness, shop, async (client) => {
        await client.query('BEGIN READ WRITE');
        await client.query('INSERT INTO filling VALUES (1)');
        await instances.endSessions(shop.primary, 'growing', signal());
        await expect(client.query('COMMIT')).rejects.toThrow();
      });
      await asCustomer(harness, shop, async (client) => {
        await client.query('BEGIN');
        await client.query('DECLARE sorted CURSOR FOR SELECT n FROM generate_series(1, 300000) AS n ORDER BY n DESC');
        await client.query('FETCH 1 FROM sorted');
        expect((await measure()).temporaryBytes).toBeGreaterThan(2 ** 20);
        await instances.endSessions(shop.primary, 'growing', signal());
        await expect(client.query('COMMIT')).rejects.toThrow();
      });
      await say('closed');
      await instances.endSessions(shop.primary, 'all', signal());
      const { address: host, port = 0 } = await instances.observe(shop.primary, signal());
      await expect(asCustomer(harness, shop, (client) => client.query('SELECT 1'), { host, port })).rejects.toThrow(/pg_hba/);
      expect((await measure()).writing).toBe('closed');
      await say('open');
      await eventually('it to be open again', () => asCustomer(harness, shop, (client) => client.query('DROP TABLE filling')).then(() => true, () => false));
    });

    it('refuses a route whose endpoint belongs to another database', async () => {
      const thief = describeDatabase(harness.engine);
      const spec = { ...thief.spec, endpointSlot: shop.spec.endpointSlot };
      await expect(harness.engine.gateway.open({ database: spec, target: shopRoute.target }, thief.effect())).rejects.toMatchObject({ kind: 'permanent' });
    });

    it('sees what is missing without throwing', async () => {
      const nobody = describeDatabase(harness.engine);
      expect(await harness.engine.instances.observe(nobody.primary, signal())).toMatchObject({ exists: false, marked: false, process: 'stopped' });
    });

    it('destroys an instance, its slot and its route, twice, and refuses a creator who comes late', async () => {
      const { instances, gateway } = harness.engine;
      await gateway.remove(other.spec, other.effect());
      const late: Effect = { token: other.token, signal: signal(), trace: {} };
      await instances.destroy(other.standby, other.effect());
      await instances.setSynchronousStandbys(other.primary, [], other.effect());
      await instances.dropSlot(other.primary, other.standby.id, other.effect());
      await instances.dropSlot(other.primary, other.standby.id, other.effect());
      await instances.destroy(other.primary, other.effect());
      await instances.destroy(other.primary, other.effect());
      expect(await instances.observe(other.primary, signal())).toMatchObject({ exists: false, process: 'stopped' });
      await expect(instances.createPrimary(other.primary, late)).rejects.toMatchObject({ kind: 'superseded' });
    });
  });
}
