import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BackupProof, BackupSet, BackupsPort, StoredBackup } from '../../src/engine/backups-port.js';
import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { postgresMajor } from '../support/servers.js';
import { sessionOptions } from '../../src/engine/local/sql/session-settings.js';
import { customerOptions } from './engine-suite.js';
import { describeCopy, describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const MAJOR = postgresMajor();

/** Every name that a statement of ours, or of a program of PostgreSQL's, might look for without saying in which schema. */
const RELATIONS = [
  'pg_class', 'pg_namespace', 'pg_database', 'pg_roles', 'pg_authid', 'pg_index', 'pg_am', 'pg_proc', 'pg_extension', 'pg_attribute', 'pg_settings', 'pg_locks',
  'pg_stat_activity', 'pg_stat_replication', 'pg_stat_wal_receiver', 'pg_replication_slots', 'pg_largeobject_metadata', 'pg_tablespace',
];
const FUNCTIONS = [
  'count(anyelement)', 'format(text, text, text)', 'to_regclass(text)', 'now()', 'clock_timestamp()', 'current_setting(text)', 'set_config(text, text, boolean)', 'pg_is_in_recovery()',
  'bt_index_check(regclass, boolean)', 'bt_index_check(oid, boolean)', 'verify_heapam(regclass, boolean, boolean)', 'pg_terminate_backend(integer, bigint)', 'pg_terminate_backend(integer)',
  'pg_switch_wal()', 'pg_database_size(oid)', 'pg_export_snapshot()', 'coalesce(text, text)', 'array_agg(anyelement)', 'quote_ident(text)',
];
const OPERATORS = [
  ['=', 'oid', 'oid'], ['=', 'name', 'text'], ['=', 'name', 'name'], ['=', 'text', 'text'], ['<>', 'name', 'text'], ['~', 'name', 'text'], ['>', 'integer', 'integer'], ['<=', 'oid', 'oid'], ['||', 'text', 'text'],
] as const;
/** What an extension that a server trusts owners with could bring into `pg_catalog`: what fits a careless statement better than PostgreSQL's own. */
const BETTER_FITTING = [
  '|| text regclass', '|| text regprocedure', '|| text name', '= oid regclass', '= name "char"', '= text varchar', '~ name name',
  'concat text text text', 'format text name name', 'has_schema_privilege text text text', 'json_agg json', 'to_regclass name',
];
/** Defaults that a tenant may set for everybody who enters the database, each of which would break, or bend, what is done there. */
const DEFAULTS: Readonly<Record<string, string>> = {
  search_path: 'evil, pg_catalog', role: '"%owner%"', statement_timeout: "'200ms'", lock_timeout: "'1ms'", idle_in_transaction_session_timeout: "'1ms'", default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on', client_encoding: 'latin1', datestyle: "'German'", standard_conforming_strings: 'off', quote_all_identifiers: 'on',
  row_security: 'on', exit_on_error: 'on', bytea_output: 'escape', extra_float_digits: "'-15'", transform_null_equals: 'on', default_table_access_method: 'heap', timezone: "'Asia/Kathmandu'", trace_sort: 'on',
  ...(MAJOR >= 17 ? { transaction_timeout: "'200ms'" } : {}),
};

/**
 * A tenant who sets a trap in every place where something of ours could step into it. Whoever runs a trap leaves a file, if it
 * may: only a superuser writes one at the server; and a line in the server's log, which the owner's own code cannot write.
 */
describe('a database full of traps', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let backups: BackupsPort;
  let shop: TestDatabase;
  let route: Route;
  let set: BackupSet;
  let site: string;
  let loot: string;
  const signal = (): AbortSignal => AbortSignal.timeout(90_000);

  async function asOwner(...statements: readonly string[]): Promise<void> {
    // Whatever was set before, the traps themselves are made.
    const client = new pg.Client(await customerOptions(harness, shop, { options: sessionOptions({ superuser: false, version: String(MAJOR) }) }));
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async function backUp(): Promise<StoredBackup> {
    return backups.backUp({ primary: shop.primary }, set, site, `bkp_${randomBytes(4).toString('hex')}`, shop.effect());
  }

  async function prove(): Promise<BackupProof> {
    return backups.prove(set, { site, label: (await backUp()).label }, shop.primary.host, shop.effect());
  }

  beforeAll(async () => {
    loot = await mkdtemp(join(tmpdir(), 'freehold-traps-'));
    await chmod(loot, 0o777);
    harness = await openLocalHarness();
    ({ engine } = harness);
    backups = engine.backups!;
    shop = describeDatabase(engine);
    set = { databaseId: shop.spec.id, region: shop.spec.region, account: shop.spec.account, name: shop.spec.name, owner: shop.spec.owner, key: randomBytes(32).toString('base64') };
    site = backups.sites().find(({ kind }) => kind === 'live')!.id;
    route = await provision(engine, shop);
    for (const instance of [shop.primary, shop.standby]) await backups.archiveTo(instance, set, [site], shop.effect());
    await asOwner(...traps(loot));
    await asOwner(...Object.entries(DEFAULTS).flatMap(([name, value]) => [
      `ALTER DATABASE "${shop.spec.name}" SET ${name} = ${value.replace('%owner%', shop.spec.owner)}`,
      `ALTER ROLE "${shop.spec.owner}" SET ${name} = ${value.replace('%owner%', shop.spec.owner)}`,
    ]));
  }, 120_000);

  afterAll(async () => {
    await harness.close();
    await rm(loot, { recursive: true, force: true });
  }, 60_000);

  const logOf = (host: string, id: string): string => `${harness.dataDir}/hosts/${host}/${shop.spec.id}/volume/${id}/log`;

  async function expectNothingSprung(): Promise<void> {
    expect(await readdir(loot), 'files that a trap wrote with a superuser\'s rights').toEqual([]);
    for (const { host, id } of [shop.primary, shop.standby]) {
      const said = (await readFile(logOf(host, id), 'utf8')).split('\n').filter((line) => line.includes('a trap sprang') && !line.includes(` as ${shop.spec.owner} of `));
      expect(said, 'what a trap said with other rights than the owner\'s').toEqual([]);
    }
  }

  it('has traps that work', async () => {
    await asOwner('SELECT FROM evil.pg_class', 'SET search_path = evil, pg_catalog; SELECT FROM pg_namespace', `SELECT evil.spring('by hand')`);
    await expect(asOwner(`COPY (SELECT 1) TO '${loot}/x'`)).rejects.toThrow(/COPY to (?:or from )?a file/);
    const { address: host, port } = await engine.instances.observe(shop.primary, signal());
    const options = { host, port: port!, user: 'freehold', password: shop.spec.secrets.control, ssl: { ca: await engine.gateway.certificateAuthority('europe') } };
    const careless = new pg.Client({ ...options, database: shop.spec.name, options: '-c role=none -c default_transaction_read_only=off' });
    await careless.connect();
    await careless.query('SELECT count(*) FROM pg_class');
    await careless.end();
    expect(await readdir(loot)).toEqual(['pg_class']);
    await rm(`${loot}/pg_class`);
    const log = logOf(shop.primary.host, shop.primary.id);
    expect(await readFile(log, 'utf8')).toContain('a trap sprang: pg_class as freehold of freehold');
    await truncate(log);
  });

  it('has extensions made in it, whatever another one brought into pg_catalog', async () => {
    const { address: host, port } = await engine.instances.observe(shop.primary, signal());
    const ca = await engine.gateway.certificateAuthority('europe');
    const superuser = new pg.Client({ host, port: port!, user: 'freehold', password: shop.spec.secrets.control, database: shop.spec.name, ssl: { ca }, options: sessionOptions({ superuser: true }) });
    await superuser.connect();
    const traps = BETTER_FITTING.map((made, index) => fitting(made, index));
    try {
      for (const { make } of traps) await superuser.query(make);
      await superuser.query(`SELECT 'a' || 'pg_class'::regclass`);
      expect(await readdir(loot), 'the traps work').toEqual(['fitting_0']);
      await rm(`${loot}/fitting_0`);
      await truncate(logOf(shop.primary.host, shop.primary.id));
      for (const name of ['pg_stat_statements', 'pg_prewarm', 'amcheck']) {
        expect(await engine.instances.createExtension(shop.primary, { name, schema: 'public' }, shop.effect()), name).toEqual({ made: true });
      }
      const found = await engine.instances.observeExtensions(shop.primary, signal());
      expect(found.find(({ name }) => name === 'hstore')).toMatchObject({ trusted: true, installed: { schema: 'pg_catalog', by: 'owner' } });
      expect(found.find(({ name }) => name === 'amcheck')).toMatchObject({ installed: { schema: 'public', by: 'freehold' } });
      expect((await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect())).readOn).toEqual([shop.standby.id]);
      expect(await prove()).toMatchObject({ sound: true });
      for (const name of ['amcheck', 'pg_prewarm', 'pg_stat_statements']) await engine.instances.dropExtension(shop.primary, name, shop.effect());
      await expectNothingSprung();
    } finally {
      for (const { drop } of traps.reverse()) await superuser.query(drop);
      await superuser.end();
    }
  }, 60_000);

  it('is verified as its customer would use it', async () => {
    expect((await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect())).readOn).toEqual([shop.standby.id]);
    await expectNothingSprung();
  });

  it('is backed up, and its proof passes with a remark on each index whose own code fails', async () => {
    const proof = await prove();
    expect(proof).toMatchObject({ sound: true });
    expect(proof.sound && [...proof.remarks].sort()).toEqual([
      expect.stringMatching(/evil\.fails could not be compared.*P0001.*as I like/),
      expect.stringMatching(/evil\.lies does not agree with the functions in its definition/),
      expect.stringMatching(/evil\.unqualified could not be compared.*42P01/),
      expect.stringMatching(/evil\.writes could not be compared.*25006/),
    ].map((remark) => remark as string));
    await expectNothingSprung();
  }, 60_000);

  it('is dumped from either instance, and though its owner shuts the role of dumps out', async () => {
    const beginningOf = async (instance: InstanceRef): Promise<string> => (await text((await backups.dump(instance, signal())).setEncoding('latin1'))).slice(0, 5);
    expect([await beginningOf(shop.primary), await beginningOf(shop.standby)]).toEqual(['PGDMP', 'PGDMP']);
    await asOwner(`REVOKE CONNECT ON DATABASE "${shop.spec.name}" FROM freehold_dump`);
    expect(await beginningOf(shop.primary)).toBe('PGDMP');
    await expectNothingSprung();
  }, 60_000);

  it('is restored, verified and fenced, promoted and rejoined like any other', async () => {
    const described = describeCopy(engine, shop);
    await backups.restore(described.primary, set, { backup: { site, label: (await backUp()).label } }, described.effect());
    const { address, port = 0 } = await engine.instances.observe(described.primary, signal());
    const restored: Route = { database: described.spec, target: { address, port } };
    await engine.gateway.open(restored, described.effect());
    expect((await engine.gateway.verify(restored, described.password, [], described.effect())).writeMs).toBeGreaterThan(0);
    await engine.instances.destroy(described.primary, described.effect());

    await engine.instances.fence(shop.primary, shop.effect());
    await engine.instances.promote(shop.standby, shop.effect());
    await backups.adoptArchive(shop.standby, shop.effect());
    await backups.archiveNow(shop.standby, shop.effect());
    await engine.instances.rejoin(shop.primary, shop.standby, shop.effect());
    await engine.instances.setSynchronousStandbys(shop.standby, [shop.primary.id], shop.effect());
    await expectNothingSprung();
  }, 90_000);
});

/** An operator or a function with the types that follow its name. */
function fitting(made: string, index: number): { readonly make: string; readonly drop: string } {
  const [name = '', ...types] = made.split(' ');
  const isOperator = /^\W/.test(name);
  const called = `pg_catalog.${isOperator ? `fitting_${index}` : name}(${types.join(', ')})`;
  const result = name === '=' || name === '~' ? ['boolean', 'true'] : ['text', `''::pg_catalog.text`];
  const create = `CREATE FUNCTION ${called} RETURNS ${result[0]} LANGUAGE sql VOLATILE AS $$ SELECT CASE WHEN evil.spring('fitting_${index}') > 0 THEN ${result[1]} END $$`;
  const operator = isOperator ? `; CREATE OPERATOR pg_catalog.${name} (LEFTARG = ${types[0]}, RIGHTARG = ${types[1]}, FUNCTION = pg_catalog.fitting_${index})` : '';
  return { make: create + operator, drop: `DROP FUNCTION IF EXISTS ${called} CASCADE` };
}

/** What the owner can make, in every place from which it might be run. */
function traps(loot: string): string[] {
  const sprung = (name: string): string => `evil.spring('${name}')`;
  return [
    'CREATE SCHEMA evil',
    // Of another role it first tries to become the one that logged in.
    `CREATE FUNCTION evil.spring(what text) RETURNS integer LANGUAGE plpgsql VOLATILE AS $trap$
      BEGIN
        BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE pg_catalog.format('COPY (SELECT 1) TO %L', '${loot}/' OPERATOR(pg_catalog.||) what); EXCEPTION WHEN OTHERS THEN NULL; END;
        RAISE LOG 'a trap sprang: % as % of %', what, current_user, session_user;
        RETURN 1;
      END $trap$`,
    'CREATE FUNCTION evil.spring_text(what text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT evil.spring(what)::pg_catalog.text $$',
    ...RELATIONS.map((name) => `CREATE VIEW evil.${name} AS SELECT ${sprung(name)} AS oid, 1 AS pid FROM pg_catalog.generate_series(1, 3)`),
    ...FUNCTIONS.filter((signature) => !signature.startsWith('coalesce')).map((signature) => {
      const name = signature.slice(0, signature.indexOf('('));
      return `CREATE FUNCTION evil.${signature} RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT evil.spring_text('${name}') $$`;
    }),
    ...OPERATORS.flatMap(([operator, left, right], index) => [
      `CREATE FUNCTION evil.operate_${index}(${left}, ${right}) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT ${sprung(`operator_${index}`)} > 0 $$`,
      `CREATE OPERATOR evil.${operator} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = evil.operate_${index})`,
    ]),
    'CREATE TYPE evil.mood AS ENUM (\'good\', \'bad\')',
    `CREATE FUNCTION evil.cast_mood(evil.mood) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT evil.spring_text('cast') $$`,
    'CREATE CAST (evil.mood AS text) WITH FUNCTION evil.cast_mood(evil.mood) AS IMPLICIT',
    `CREATE DOMAIN evil.checked AS integer CHECK (evil.spring('domain') > 0)`,
    `CREATE FUNCTION evil.quiet(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE LOG 'a trap sprang: index as % of %', current_user, session_user; RETURN $1; END $$`,
    'CREATE FUNCTION evil.raising(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$',
    'CREATE FUNCTION evil.lying(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$',
    'CREATE FUNCTION evil.writing(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$',
    'CREATE FUNCTION evil.lost(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$',
    `CREATE TABLE evil.goods (id integer PRIMARY KEY, mood evil.mood DEFAULT 'good', checked evil.checked, twice integer GENERATED ALWAYS AS (id + 1) STORED, noted integer DEFAULT ${sprung('default')})`,
    'CREATE TABLE evil.notes (id integer)',
    'INSERT INTO evil.goods (id, checked) SELECT n, 1 FROM pg_catalog.generate_series(1, 50) n',
    'CREATE INDEX quiet ON evil.goods (evil.quiet(id)) WHERE evil.quiet(id) > 0',
    'CREATE INDEX fails ON evil.goods (evil.raising(id))',
    'CREATE INDEX lies ON evil.goods (evil.lying(id))',
    'CREATE INDEX writes ON evil.goods (evil.writing(id))',
    'CREATE INDEX unqualified ON evil.goods (evil.lost(id))',
    'CREATE STATISTICS evil.guesses ON (evil.quiet(id)), id FROM evil.goods',
    'CREATE OR REPLACE FUNCTION evil.raising(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION \'as I like\'; END $$',
    'CREATE OR REPLACE FUNCTION evil.lying(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT -$1 $$',
    'CREATE FUNCTION evil.note(integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO evil.notes VALUES ($1); RETURN $1; END $$',
    'CREATE OR REPLACE FUNCTION evil.writing(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN evil.note($1); END $$',
    'CREATE OR REPLACE FUNCTION evil.lost(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT id FROM nowhere WHERE id = $1); END $$',
    'ALTER TABLE evil.goods ENABLE ROW LEVEL SECURITY; ALTER TABLE evil.goods FORCE ROW LEVEL SECURITY',
    `CREATE POLICY springs ON evil.goods USING (${sprung('policy')} > 0)`,
    `CREATE RULE springs AS ON UPDATE TO evil.goods DO ALSO SELECT ${sprung('rule')}`,
    `CREATE FUNCTION evil.on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM ${sprung('trigger')}; RETURN NEW; END $$`,
    'CREATE TRIGGER springs BEFORE INSERT OR UPDATE OR DELETE ON evil.goods FOR EACH ROW EXECUTE FUNCTION evil.on_change()',
    `CREATE MATERIALIZED VIEW evil.later AS SELECT ${sprung('materialized')} AS sprung WITH NO DATA`,
    `CREATE AGGREGATE evil.sum(text) (SFUNC = evil.spring_twice, STYPE = text)`.replace('evil.spring_twice', 'pg_catalog.textcat'),
    'CREATE PUBLICATION goods FOR TABLE evil.goods',
    'SELECT pg_catalog.lo_from_bytea(0, \'\\x01\')',
    'CREATE EXTENSION citext SCHEMA evil',
    ...['hstore', 'intarray', 'ltree', 'isn', 'pg_trgm', 'lo'].map((name) => `CREATE EXTENSION ${name} SCHEMA pg_catalog`),
  ];
}
