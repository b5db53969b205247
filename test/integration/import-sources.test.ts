import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNotCarried, type NotCarried } from '../../src/cli/import/choose-carried.js';
import { dumpAsSql, openFile, openServer, restoreAsSql } from '../../src/cli/import/dump-source.js';
import { fillDatabase } from '../../src/cli/import/fill-database.js';
import type { ImportError } from '../../src/cli/import/parse-messages.js';
import { readContents, RepeatedDump } from '../../src/cli/import/read-contents.js';
import { settleEncoding } from '../../src/cli/import/source-encoding.js';
import { readSourceLocale } from '../../src/cli/import/source-locale.js';
import { CUSTOMERS_ROLE } from '../../src/engine/local/sql/pooler-sql.js';
import { DUMP_ROLE, newDatabaseSql } from '../../src/engine/local/sql/cluster-sql.js';
import { postgresBinaries, postgresMajor, startPostgres, type TestServer } from '../support/servers.js';

/** A plain server, of which no Freehold makes anything. */
const NONE_ON_REQUEST = { list: () => Promise.resolve([]), make: () => Promise.reject(new Error('nobody makes it')) };

const directory = postgresBinaries();
const programs = { pgDump: join(directory, 'pg_dump'), pgRestore: join(directory, 'pg_restore'), major: postgresMajor() };
const signal = new AbortController().signal;

let server: TestServer;
let scratch: string;
let targets = 0;

beforeAll(async () => {
  server = await startPostgres();
  scratch = mkdtempSync(join(tmpdir(), 'freehold-test-import-'));
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const address = (database: string, user = 'freehold'): string => `postgresql://${user}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`;

async function query<Row extends pg.QueryResultRow>(database: string, sql: string): Promise<Row[]> {
  const client = new pg.Client(address(database));
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Makes a database of another hoster's. */
async function makeSource(name: string, options: string, sql: string): Promise<string> {
  await query('postgres', `CREATE DATABASE "${name}" TEMPLATE template0 ${options}`);
  await query(name, sql);
  return address(name);
}

/** Makes a database as a customer gets it, on the same server. */
async function makeTarget(): Promise<string> {
  targets += 1;
  const name = `target_${targets}`;
  const statements = newDatabaseSql({ name, owner: name, ownerVerifier: 'x', replicationVerifier: 'x', dumpVerifier: 'x', controlPassword: 'control', maxConnections: 20 });
  // What is about the cluster as a whole was said at its beginning.
  for (const statement of statements.filter((text) => text.includes(`"${name}"`) && !text.includes(DUMP_ROLE) && !text.includes(CUSTOMERS_ROLE))) {
    await query('postgres', statement.startsWith('CREATE DATABASE') ? statement.replace(';', " TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';") : statement);
  }
  return name;
}

interface Outcome {
  readonly target: string;
  readonly notCarried: string[];
  readonly errors: ImportError[];
}

async function importFrom(source: { readonly uri: string } | { readonly file: string }, encoding?: string): Promise<Outcome> {
  const dump = new RepeatedDump('uri' in source ? openServer(source.uri, programs, signal) : await openFile(source.file, programs, signal));
  const archive = await readContents(dump);
  await settleEncoding(dump, archive, encoding, () => ('uri' in source ? dumpAsSql(source.uri, programs, signal) : restoreAsSql(source.file, programs, signal)));
  const target = await makeTarget();
  const notCarried: NotCarried[] = findNotCarried(archive.entries);
  const errors = await fillDatabase({
    uri: address(target, target), dump, archive, programs, scratch, signal, extensions: NONE_ON_REQUEST, onMissing: (missing) => notCarried.push(...missing),
  });
  return { target, notCarried: notCarried.map(({ kind, name }) => `${kind} ${name}`), errors };
}

function dumpTo(file: string, format: string, uri: string): string {
  const path = join(scratch, file);
  expect(spawnSync(programs.pgDump, [`--format=${format}`, `--file=${path}`, uri], { encoding: 'utf8' })).toMatchObject({ status: 0 });
  return path;
}

/** With everything that a hoster adds, under names that hold spaces, quotes, line breaks and any letters. */
const HOSTED = `
  DROP EXTENSION plpgsql; CREATE EXTENSION plpgsql;
  CREATE ROLE "the ""clerk"""; CREATE ROLE anon; CREATE ROLE "my owner";
  CREATE SCHEMA "my app"; COMMENT ON SCHEMA "my app" IS 'an app'; COMMENT ON SCHEMA public IS 'mine';
  CREATE SCHEMA extensions; CREATE EXTENSION pgcrypto WITH SCHEMA extensions; CREATE EXTENSION pg_stat_statements WITH SCHEMA extensions;
  CREATE TABLE "my app"."my
    ""table"" 😀" (id serial PRIMARY KEY, "voller Name" text UNIQUE, key text DEFAULT encode(extensions.digest('x', 'md5'), 'hex'));
  INSERT INTO "my app"."my
    ""table"" 😀" ("voller Name") VALUES ('Ä 😀 e\u0301'), (E'tab\\t, line\\n, \\\\.'), ('\u202e');
  COMMENT ON TABLE "my app"."my
    ""table"" 😀" IS 'a comment
    of two lines; TABLE - x';
  ALTER TABLE "my app"."my
    ""table"" 😀" OWNER TO "my owner";
  ALTER TABLE "my app"."my
    ""table"" 😀" ENABLE ROW LEVEL SECURITY;
  CREATE POLICY "my policy" ON "my app"."my
    ""table"" 😀" FOR SELECT TO anon, "the ""clerk""" USING (true);
  COMMENT ON POLICY "my policy" ON "my app"."my
    ""table"" 😀" IS 'of somebody else';
  CREATE POLICY open ON "my app"."my
    ""table"" 😀" USING (key <> 'TO x');
  COMMENT ON POLICY open ON "my app"."my
    ""table"" 😀" IS 'of everybody';
  GRANT SELECT ON "my app"."my
    ""table"" 😀" TO "the ""clerk""";
  ALTER DEFAULT PRIVILEGES IN SCHEMA "my app" GRANT SELECT ON TABLES TO anon;
  CREATE PUBLICATION "my pub" FOR TABLE "my app"."my
    ""table"" 😀"; COMMENT ON PUBLICATION "my pub" IS 'all';
  CREATE PUBLICATION schemas FOR TABLES IN SCHEMA "my app";
  CREATE FUNCTION "my app"."on ddl"() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER "on any ddl" ON ddl_command_end EXECUTE FUNCTION "my app"."on ddl"(); COMMENT ON EVENT TRIGGER "on any ddl" IS 'all';
  CREATE FUNCTION compiled() RETURNS text LANGUAGE internal AS 'pgsql_version';
  CREATE FOREIGN DATA WRAPPER "a wrapper"; CREATE SERVER "far away" FOREIGN DATA WRAPPER "a wrapper"; CREATE USER MAPPING FOR anon SERVER "far away";
  CREATE FOREIGN TABLE "my app"."a far table" (n int) SERVER "far away"; COMMENT ON FOREIGN TABLE "my app"."a far table" IS 'far';
  SELECT lo_from_bytea(4711, 'x'); COMMENT ON LARGE OBJECT 4711 IS 'large'`;

describe('a source as others host it', () => {
  const CARRIED = 'SELECT "voller Name" AS name, length(key) AS length FROM "my app"."my\n    ""table"" 😀" ORDER BY id';
  const ROWS = [{ name: 'Ä 😀 e\u0301', length: 32 }, { name: 'tab\t, line\n, \\.', length: 32 }, { name: '\u202e', length: 32 }];

  beforeAll(async () => {
    await makeSource('hosted é', "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'", HOSTED);
    await query('postgres', `COMMENT ON DATABASE "hosted é" IS 'hosted'; ALTER DATABASE "hosted é" SET work_mem = '5MB'`);
  });

  it.each(['server', 'tar'])('is carried without an error but for what is told (%s)', async (from) => {
    const uri = address('hosted é');
    const { target, notCarried, errors } = await importFrom(from === 'server' ? { uri } : { file: dumpTo(`hosted.${from}`, from, uri) });
    expect(errors).toEqual([]);
    const table = 'my\n    "table" 😀';
    expect(notCarried.sort()).toEqual([
      'role anon', 'role freehold', 'role my owner', 'role the "clerk"', 'comment DATABASE "hosted é"', 'comment EXTENSION plpgsql', 'database properties hosted é',
      `policy my app.${table} my policy`, 'event trigger on any ddl', 'extension pg_stat_statements', 'foreign data wrapper a wrapper', 'foreign table my app.a far table',
      'function public.compiled()', 'publication my pub', 'publication schemas', 'server far away', 'user mapping anon SERVER far away',
    ].sort());
    expect(await query(target, CARRIED)).toEqual(ROWS);
    expect(await query(target, `SELECT polname AS name, obj_description(oid) AS said FROM pg_policy`)).toEqual([{ name: 'open', said: 'of everybody' }]);
    expect(await query(target, `SELECT obj_description('"my app"."${table.replaceAll('"', '""')}"'::regclass) AS said, obj_description('public'::regnamespace) AS open`)).toEqual([
      { said: 'a comment\n    of two lines; TABLE - x', open: 'mine' },
    ]);
  });

  it('says by what it sorts', async () => {
    const dump = new RepeatedDump(openServer(address('hosted é'), programs, signal));
    const { entries, serverMajor } = await readContents(dump);
    expect(serverMajor).toBe(programs.major);
    expect(readSourceLocale(entries)).toEqual({ provider: 'icu', name: 'de-DE', characters: undefined, hasRules: false });
    for await (const chunk of dump.readAll()) expect(chunk.length).toBeGreaterThan(0);
  });
});

describe('what fails', () => {
  it('because it needs what is not carried is told, and the rest is there', async () => {
    const uri = await makeSource('far', "ENCODING 'UTF8' LOCALE 'C.UTF-8'", `
      CREATE EXTENSION dblink; CREATE TABLE near AS SELECT 1 AS n; CREATE VIEW remote AS SELECT * FROM dblink('host=nowhere', 'SELECT 1') AS row (n int)`);
    const { target, notCarried, errors } = await importFrom({ uri });
    expect(notCarried).toEqual(['role freehold', 'extension dblink']);
    expect(errors).toEqual([{ object: 'VIEW remote', message: expect.stringContaining('dblink(') as string }]);
    expect(await query(target, 'TABLE near')).toEqual([{ n: 1 }]);
  });

  it('because a function finds nothing without its schema is told so, and names the object whatever its owner is called', async () => {
    // Replaced after their use: from PostgreSQL 17 on, they could not be used like this at the source either.
    const uri = await makeSource('bare', "ENCODING 'UTF8' LOCALE 'C.UTF-8'", `
      CREATE ROLE "an owner"; GRANT CREATE ON SCHEMA public TO "an owner"; SET ROLE "an owner";
      CREATE TABLE lengths (n int); INSERT INTO lengths VALUES (1);
      CREATE FUNCTION bare(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1)';
      CREATE FUNCTION bare_too(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN length($1); END';
      CREATE TABLE "my things" (name text); INSERT INTO "my things" VALUES ('a');
      CREATE INDEX "by bare" ON "my things" (bare(name)); CREATE MATERIALIZED VIEW m AS SELECT bare_too('x');
      CREATE OR REPLACE FUNCTION bare(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1) + n FROM lengths';
      CREATE OR REPLACE FUNCTION bare_too(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN bare($1); END'`);
    const { errors } = await importFrom({ uri });
    expect(errors.map(({ object }) => object).sort()).toEqual(['INDEX by bare', 'MATERIALIZED VIEW DATA m']);
    for (const { message } of errors) expect(message).toMatch(/does not exist .*CONTEXT: .*search_path is empty.*SET search_path/);
  });
});

describe('a source that does not say in which encoding it is', () => {
  const BYTES = (text: string): string => `convert_from('${text}', 'SQL_ASCII')`;
  const make = (name: string, bytes: string): Promise<string> => makeSource(name, "ENCODING 'SQL_ASCII' LOCALE 'C'", `
    CREATE TABLE "my items" (n int, name text); INSERT INTO "my items" SELECT n, 'plain ' || n FROM generate_series(1, 1000) n;
    INSERT INTO "my items" VALUES (1001, ${BYTES(bytes)}); CREATE TABLE "z later" (x text); INSERT INTO "z later" VALUES (${BYTES(bytes)})`);
  const LAST = 'SELECT name FROM "my items" WHERE n = 1001';

  it.each(['server', 'tar'])('is refused with the table and the line of what is not UTF-8, and converted if it is said what it is (%s)', async (from) => {
    const uri = await make(`ascii ${from}`, '\\x4ae46765720a80');
    const source = from === 'server' ? { uri } : { file: dumpTo(`ascii.${from}`, from, uri) };
    const before = targets;
    await expect(importFrom(source)).rejects.toThrow(/^line 1001 of the data of public\."my items" is not UTF-8 \(0xe4 0x67\).*nothing was made.*--encoding/);
    expect(targets).toBe(before);
    const { target, errors } = await importFrom(source, 'WIN1252');
    expect(errors).toEqual([]);
    expect(await query(target, LAST)).toEqual([{ name: 'Jäger\n€' }]);
    expect(spawnSync(programs.pgDump, ['--format=custom', address(target)]).status).toBe(0);
  });

  it('is taken for UTF-8 if every byte of it is', async () => {
    const { target, errors } = await importFrom({ uri: await make('ascii whole', '\\x4ac3a4676572f09f9880') });
    expect(errors).toEqual([]);
    expect(await query(target, LAST)).toEqual([{ name: 'Jäger😀' }]);
  });

  it('puts nothing that cannot be read into the new database, although it was changed since it was looked at', async () => {
    const uri = await make('ascii wrong', '\\xff');
    const dump = new RepeatedDump(openServer(uri, programs, signal));
    const archive = await readContents(dump);
    await settleEncoding(dump, archive, 'UTF8', () => dumpAsSql(uri, programs, signal));
    const target = await makeTarget();
    const errors = await fillDatabase({ uri: address(target, target), dump, archive, programs, scratch, signal, extensions: NONE_ON_REQUEST, onMissing: () => undefined });
    expect(errors.map(({ object }) => object)).toEqual(['TABLE DATA my items', 'TABLE DATA z later']);
    expect(errors[0]?.message).toMatch(/invalid byte sequence.*CONTEXT: COPY my items, line 1001/);
    expect(await query(target, 'SELECT count(*)::int AS n FROM "my items"')).toEqual([{ n: 0 }]);
  });

  it('is the only one for which --encoding is taken', async () => {
    const uri = await makeSource('utf8', "ENCODING 'UTF8' LOCALE 'C.UTF-8'", 'SELECT 1');
    await expect(importFrom({ uri }, 'LATIN1')).rejects.toThrow('the source is in UTF8');
  });
});

describe('a password', () => {
  const SECRET = 'Qx1@Zq2?/%:#& ä😀';
  const escaped = encodeURIComponent(SECRET);

  /** Runs the command against a server that answers nobody, and looks at every process of the machine while it waits. */
  async function importAndLook(form: string): Promise<{ readonly said: string; readonly reached: boolean; readonly shown: string[] }> {
    const shown: string[] = [];
    const listener = createServer((socket) => {
      const lines = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '');
      shown.push(...lines.filter((line) => line.includes('pg_dump') || /Qx1|Zq2/.test(line)));
      socket.on('error', () => undefined).destroy();
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const uri = form.replace('PORT', String((listener.address() as AddressInfo).port));
    const entry = new URL('../../dist/src/cli/freehold.js', import.meta.url).pathname;
    const words = ['databases', 'import', '--customer', 'cus_1', '--name', 'a', '--region', 'europe', '--url', 'http://127.0.0.1:1', ...(uri.startsWith('--') ? [uri] : ['--from', uri])];
    const child = spawn(process.execPath, [entry, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PGSSLMODE: 'disable' } });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    listener.close();
    const said = Buffer.concat(output).toString();
    expect([code, said]).not.toEqual([0, '']);
    return { said, reached: shown.length > 0, shown };
  }

  it.each([`postgresql://u:${escaped}@127.0.0.1:PORT/db`, `postgresql://127.0.0.1:PORT/db?user=u&password=${escaped}`, 'postgresql://u:Qx1?Zq2@127.0.0.1:PORT/db'])('that is read goes to the program in its environment alone: %s', async (form) => {
    const { said, reached, shown } = await importAndLook(form);
    expect(reached, said).toBe(true);
    expect([said, ...shown].filter((text) => /Qx1|Zq2/.test(text))).toEqual([]);
  });

  it.each([`postgresql://u:${SECRET}@127.0.0.1:PORT/db`, `host=127.0.0.1 port=PORT password='${SECRET}'`, `--form=postgresql://u:${SECRET}@h/db`, `--from-file=postgresql://u:${escaped}@h/db`])('that cannot be told from the rest is not repeated: %s', async (form) => {
    const { said, reached } = await importAndLook(form);
    expect(reached).toBe(false);
    expect(said).not.toMatch(/Qx1|Zq2/);
  });
});

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
