import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../../clients/typescript/src/client.js';
import { chooseCarried, chooseRequested, findMissingExtensions, findNotCarried, type Offer } from '../../../src/cli/import/choose-carried.js';
import { splitPassword } from '../../../src/cli/import/connection.js';
import { findBadText } from '../../../src/cli/import/find-bad-text.js';
import { findSorted } from '../../../src/cli/import/find-sorted.js';
import { findTarFault } from '../../../src/cli/import/find-tar-fault.js';
import { explainDumpFailure, firstError, parseRestoreErrors } from '../../../src/cli/import/parse-messages.js';
import { ArchiveError, readArchive, type TocEntry } from '../../../src/cli/import/read-archive.js';
import { RepeatedDump } from '../../../src/cli/import/read-contents.js';
import { countGrants, listPolicyRoles } from '../../../src/cli/import/read-roles.js';
import { settleLocale } from '../../../src/cli/import/settle-locale.js';
import { sniffDump } from '../../../src/cli/import/sniff-dump.js';
import { encodingStatement, parseEncoding } from '../../../src/cli/import/source-encoding.js';
import { readSourceLocale, wishLocale } from '../../../src/cli/import/source-locale.js';

const entry = (id: number, kind: string, name: string, more: Partial<TocEntry> = {}): TocEntry => ({ id, kind, name, schema: undefined, owner: undefined, definition: '', needs: [], ...more });

/** The beginning of a dump, as pg_dump writes it. */
function encode(entries: readonly TocEntry[], { minor = 14, format = 1 } = {}): Buffer {
  const int = (value: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes[0] = value < 0 ? 1 : 0;
    bytes.writeUInt32LE(Math.abs(value), 1);
    return bytes;
  };
  const text = (value: string | undefined): Buffer => (value === undefined ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]));
  const head = [Buffer.from('PGDMP'), Buffer.from([1, minor, 0, 4, 8, format]), minor >= 15 ? Buffer.from([1]) : int(-1), ...Array.from({ length: 7 }, () => int(1)), text('src'), text('15.18 (Debian)'), text('15.18')];
  const body = entries.flatMap(({ id, kind, name, schema, owner, definition, needs }) => [
    int(id), int(0), text('1259'), text('16384'), text(name), text(kind), int(2), text(definition), text(''), text(undefined), text(schema), text(''),
    ...(minor >= 14 ? [text('')] : []), ...(minor >= 16 ? [int(0)] : []), text(owner), text('false'), ...needs.map((need) => text(String(need))), text(undefined),
    format === 1 ? Buffer.alloc(9) : text('1.dat'),
  ]);
  return Buffer.concat([...head, int(entries.length), ...body, Buffer.from('its data')]);
}

/** In pieces that are shorter than any field. */
async function* pieces(bytes: Buffer, length = 3): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Of a database that has one of everything, with names that hold spaces, quotes, line breaks and any letters. */
const ENTRIES: readonly TocEntry[] = [
  entry(3480, 'ENCODING', 'ENCODING', { definition: "SET client_encoding = 'UTF8';\n" }),
  entry(3485, 'DATABASE', 'my src', { owner: 'postgres' }),
  entry(3486, 'COMMENT', 'DATABASE "my src"', { needs: [3485] }),
  entry(3487, 'DATABASE PROPERTIES', 'my src'),
  entry(5, 'SCHEMA', 'public', { owner: 'pg_database_owner' }),
  entry(3488, 'COMMENT', 'SCHEMA public', { needs: [5] }),
  entry(6, 'SCHEMA', 'my app', { owner: 'the "owner"' }),
  entry(1, 'EXTENSION', 'plpgsql'),
  entry(3489, 'COMMENT', 'EXTENSION plpgsql', { needs: [1] }),
  entry(2, 'EXTENSION', 'pg_trgm'),
  entry(3490, 'COMMENT', 'EXTENSION pg_trgm', { needs: [2] }),
  entry(3, 'EXTENSION', 'dblink'),
  entry(3491, 'COMMENT', 'EXTENSION dblink', { needs: [3] }),
  entry(4, 'EXTENSION', 'postgis'),
  entry(313, 'FUNCTION', 'f(integer, text)', { schema: 'my app', definition: "CREATE FUNCTION \"my app\".f(integer, text) RETURNS integer\n    LANGUAGE sql\n    AS $$\n    LANGUAGE c $$;\n" }),
  entry(314, 'FUNCTION', 'compiled()', { schema: 'my app', definition: "CREATE FUNCTION \"my app\".compiled() RETURNS integer\n    LANGUAGE c STRICT\n    AS '$libdir/x', 'x';\n" }),
  entry(219, 'TABLE', 'my\ntable 😀', { schema: 'my app', owner: 'the "owner"' }),
  entry(3492, 'ACL', 'TABLE "my\ntable 😀"', { schema: 'my app', needs: [219], definition: 'GRANT SELECT ON TABLE "my app"."my\ntable 😀" TO "the clerk" WITH GRANT OPTION;\nGRANT SELECT ON TABLE "my app"."my\ntable 😀" TO PUBLIC;\n' }),
  entry(3493, 'TABLE DATA', 'my\ntable 😀', { schema: 'my app' }),
  entry(3469, 'POLICY', 'my\ntable 😀 my policy', { schema: 'my app', definition: 'CREATE POLICY "my policy" ON "my app"."my\ntable 😀" FOR SELECT TO bob, "the clerk" USING (true);\n' }),
  entry(3494, 'COMMENT', 'POLICY "my policy" ON "my\ntable 😀"', { schema: 'my app', needs: [3469] }),
  entry(3470, 'POLICY', 'my\ntable 😀 open', { schema: 'my app', definition: "CREATE POLICY open ON \"my app\".\"my\ntable 😀\" USING ((note = 'give TO bob'::text));\n" }),
  entry(3471, 'PUBLICATION', 'my pub'),
  entry(3495, 'COMMENT', 'PUBLICATION "my pub"', { needs: [3471] }),
  entry(3472, 'PUBLICATION TABLE', 'my pub my table', { schema: 'my app' }),
  entry(3320, 'EVENT TRIGGER', 'my trigger'),
  entry(3496, 'COMMENT', 'EVENT TRIGGER "my trigger"', { needs: [3320] }),
];

const OFFERED = new Map<string, Offer>([['pg_trgm', 'makes'], ['dblink', 'may-not'], ['plpgsql', 'has']]);

describe('the table of contents of a dump', () => {
  it.each([{ minor: 12, format: 1 }, { minor: 14, format: 1 }, { minor: 15, format: 1 }, { minor: 16, format: 1 }, { minor: 14, format: 3 }])('is read by its structure, in format 1.$minor as $format', async (kind) => {
    const { entries, serverMajor, encoding } = await readArchive(pieces(encode(ENTRIES, kind)));
    expect(entries).toEqual(ENTRIES);
    expect([serverMajor, encoding]).toEqual([15, 'UTF8']);
  });

  it('is the first member of a tar archive', async () => {
    expect((await readArchive(pieces(Buffer.concat([Buffer.alloc(512, 't'), encode(ENTRIES, { format: 3 })])))).entries).toHaveLength(ENTRIES.length);
  });

  it.each([['it ends too soon', encode(ENTRIES).subarray(0, 900)], ['its format 1.17', encode(ENTRIES, { minor: 17 })], ['it does not begin', Buffer.alloc(2_000)]])('is refused if %s', async (says, bytes) => {
    await expect(readArchive(pieces(bytes))).rejects.toThrow(ArchiveError);
    await expect(readArchive(pieces(bytes))).rejects.toThrow(says);
  });

  it('tells what a customer\'s database cannot have', () => {
    expect(findNotCarried(ENTRIES).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'privileges PUBLIC', 'role the "owner"', 'role the clerk', 'comment DATABASE "my src"', 'database properties my src', 'function my app.compiled()',
      'policy my app.my\ntable 😀 my policy', 'publication my pub', 'event trigger my trigger',
    ]);
    expect(findNotCarried(ENTRIES).find(({ kind }) => kind === 'policy')?.why).toBe('it is for bob, the clerk, which do not exist there');
    expect(findMissingExtensions(ENTRIES, OFFERED).map(({ kind, name }) => `${kind} ${name}`)).toEqual(['comment EXTENSION plpgsql', 'extension dblink', 'extension postgis']);
  });

  it('is restored but for that, and for what is said of it', () => {
    expect(chooseCarried(ENTRIES, OFFERED).map(({ id }) => id)).toEqual([3488, 6, 2, 3490, 313, 219, 3493, 3470]);
  });

  it('has extensions that are made on request asked for, each where it was', () => {
    const extension = (id: number, name: string, schema: string) => entry(id, 'EXTENSION', name, { definition: `CREATE EXTENSION IF NOT EXISTS ${name} WITH SCHEMA ${schema};\n` });
    const entries = [
      entry(6, 'SCHEMA', 'my "a" app'), entry(3499, 'COMMENT', 'SCHEMA "my ""a"" app"', { needs: [6] }), extension(1, 'amcheck', '"my ""a"" app"'), extension(2, 'pg_prewarm', 'extensions'),
      extension(3, 'bloom', 'pg_catalog'), extension(4, 'dblink', 'public'), extension(5, 'pg_trgm', 'public'),
    ];
    const offered = new Map<string, Offer>([['amcheck', 'may-not'], ['pg_prewarm', 'may-not'], ['bloom', 'may-not'], ['dblink', 'may-not'], ['pg_trgm', 'makes']]);
    const listed = [...['amcheck', 'pg_prewarm', 'bloom'].map((name) => ({ name, access: 'request' as const, why: '' })), { name: 'dblink', access: 'refused' as const, why: 'it connects' }];
    expect(chooseRequested(entries, offered, listed)).toEqual([{ name: 'amcheck', schema: 'my "a" app' }, { name: 'pg_prewarm', schema: 'extensions' }, { name: 'bloom', schema: 'public' }]);
    expect(chooseRequested(entries, offered, [])).toEqual([]);
    expect(findMissingExtensions(entries, offered, listed).find(({ name }) => name === 'dblink')?.why).toBe('it is not offered: it connects; what needs it fails: do without it, and import again');
    const made = new Map<string, Offer>([...offered, ['amcheck', 'has'], ['pg_prewarm', 'has'], ['bloom', 'has']]);
    expect(chooseCarried(entries, made, new Set(['my "a" app'])).map(({ id }) => id)).toEqual([3499, 5]);
  });

  it('names the roles that are granted something, and those that a policy needs', () => {
    expect([...countGrants([
      'GRANT SELECT ON TABLE public.t TO "the clerk" WITH GRANT OPTION;\nGRANT SELECT ON TABLE public.t TO PUBLIC;\nREVOKE ALL ON TABLE public.t FROM carol;\n',
      'ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES  TO "the clerk";\n',
    ])]).toEqual([['the clerk', 2], ['PUBLIC', 1]]);
    expect(listPolicyRoles('CREATE POLICY "a ON b" ON "my app"."t ""x""" AS RESTRICTIVE FOR UPDATE TO anon, "the ""clerk""" WITH CHECK (true);')).toEqual(['anon', 'the "clerk"']);
    expect(listPolicyRoles("CREATE POLICY q ON public.t USING ((note = 'give TO bob'::text));")).toEqual([]);
  });
});

describe('messages of pg_restore', () => {
  const known = [entry(221, 'VIEW', 'v', { owner: 'an owner' }), entry(3474, 'TABLE DATA', 'my table'), entry(9, 'INDEX', 'by_length'), entry(10, 'FUNCTION', 'f()')];

  it('are told with the object that failed, and without what an older server does not know of a newer pg_restore', () => {
    expect(parseRestoreErrors([
      'pg_restore: while INITIALIZING:',
      'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"',
      'Command was: SET transaction_timeout = 0;',
      'pg_restore: while PROCESSING TOC:',
      'pg_restore: from TOC entry 221; 1259 16542 VIEW v an owner',
      'pg_restore: error: could not execute query: ERROR:  function public.dblink(text) does not exist',
      'HINT:  No function matches.',
      'Command was: CREATE VIEW public.v AS',
      'HINT:  not one, but the text of the command',
      'pg_restore: from TOC entry 3474; 0 16522 TABLE DATA my table bob',
      'pg_restore: error: COPY failed for table "my table": ERROR:  duplicate key',
      'pg_restore: warning: errors ignored on restore: 3',
    ].join('\n'), known)).toEqual([
      { object: 'VIEW v', message: 'function public.dblink(text) does not exist (HINT: No function matches.)' },
      { object: 'TABLE DATA my table', message: 'COPY failed for table "my table": ERROR:  duplicate key' },
    ]);
    expect(firstError('pg_restore: warning: something\npg_restore: error: could not read from input file: end of file\n')).toBe('could not read from input file: end of file');
  });

  it('of pg_dump that it is too old name both versions', () => {
    const said = 'pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.2 (Debian 17.2-1); pg_dump version: 15.18\n';
    expect(explainDumpFailure(said, 15)).toBe("the server is PostgreSQL 17.2, and this machine's pg_dump is 15: install postgresql-client of the server's version or newer");
  });

  it.each([
    ['9; 1259 1 INDEX by_length o', 'relation "lengths" does not exist', 'CONTEXT:  SQL function "by_length" during inlining', true],
    ['10; 1255 1 FUNCTION f() o', 'function later(integer) does not exist', 'HINT:  No function matches.', true],
    ['9; 1259 1 INDEX by_length o', 'relation "app.lengths" does not exist', 'CONTEXT:  SQL function "by_length" during inlining', false],
    ['221; 1259 1 VIEW v o', 'relation "lengths" does not exist', '', false],
  ])('say of %s, %s, whether it is because the search_path is empty', (line, message, context, isExplained) => {
    const [error] = parseRestoreErrors(`pg_restore: while PROCESSING TOC:\npg_restore: from TOC entry ${line}\npg_restore: error: could not execute query: ERROR:  ${message}\n${context}\n`, known);
    expect(error?.message.includes('search_path')).toBe(isExplained);
  });
});

const SECRETS = ['Qx1@Zq2', 'Qx1?Zq2', 'Qx1/Zq2', 'Qx1%Zq2', 'Qx1%41Zq2', 'Qx1:Zq2', 'Qx1#Zq2', 'Qx1&Zq2=Ww3', "Qx1'Zq2", 'Qx1\\Zq2', 'Qx1"Zq2', 'Qx1 Zq2', 'Qx1ä😀Zq2', '@Zq2', 'Zq2@', '/?Zq2', 'Qx1@Zq2/Ww3?Vv4@Uu5', 'Qx1=Zq2@Ww3', 'Qx1@Zq2:5432', 'Qx1,Zq2'];

describe('an address', () => {
  it.each([
    ['postgresql://u:p%40ss@h:1,i:2/db?sslmode=require', "user='u' host='h,i' port='1,2' dbname='db' sslmode='require'", 'p@ss'],
    ['postgres://u@h/db?password=x%20y&application_name=a', "user='u' host='h' dbname='db' application_name='a'", 'x y'],
    ['postgresql:///db?host=/run/postgresql', "dbname='db' host='/run/postgresql'", undefined],
    ['postgresql://%2Frun%2Fpg/my%20db', "host='/run/pg' dbname='my db'", undefined],
    ['postgresql://h/db', "host='h' dbname='db'", undefined],
    ['postgresql://[::1]:5432/%C3%A9?ssl=true', "host='::1' port='5432' dbname='é' sslmode='require'", undefined],
    ["postgresql://o'b@h/a%5Cb", "user='o\\'b' host='h' dbname='a\\\\b'", undefined],
    ['postgresql://u:p?a&b=c#d:e@h/db', "user='u' host='h' dbname='db'", 'p?a&b=c#d:e'],
    ['postgresql://u:@h/db?%70assword=x', "user='u' host='h' dbname='db'", 'x'],
  ])('%s loses its password', (uri, address, password) => {
    expect(splitPassword(uri)).toEqual({ address, password });
  });

  it('shows nothing of a password, however it is typed', () => {
    const typed = SECRETS.flatMap((secret) => [
      `postgresql://u:${secret}@h/db`, `postgresql://u:${secret}@h:5432/db?sslmode=require`, `postgresql://u:${secret}@[::1]/db`, `postgresql://u:${secret}@h`,
      `postgresql://h/db?user=u&password=${secret}`, `postgresql://h?password=${secret}`, `postgres:/u:${secret}@h/db`, ` postgresql://u:${secret}@h/db`,
      `host=h password='${secret}' dbname=db`, `password=${secret}`, `postgresql://u:${encodeURIComponent(secret)}@h/db`, `postgresql://h/db?sslpassword=${secret}&sslkey=k`,
      `postgresql://u%3A${encodeURIComponent(secret)}@h/db`, `postgresql://h/db?dbname=${encodeURIComponent(`postgresql://u:${secret}@h`)}`,
    ].map((uri) => ({ uri, secret })));
    const shownOf = (uri: string): string => {
      try {
        return splitPassword(uri).address;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const leaks = typed.filter(({ uri, secret }) => (secret.match(/[QZWVU][a-z]\d/g) ?? []).some((part) => shownOf(uri).includes(part)));
    expect(leaks).toEqual([]);
  });

  it('gives a password that is written as it should be, whatever it holds', () => {
    for (const secret of SECRETS) expect(splitPassword(`postgresql://u:${encodeURIComponent(secret)}@h/db`).password).toBe(secret);
  });
});

describe('the encoding of a source', () => {
  it('is put in the place of one that says nothing, byte for byte', async () => {
    const bytes = encode([entry(1, 'ENCODING', 'ENCODING', { definition: "SET client_encoding = 'SQL_ASCII';\n" }), ENTRIES[1]!]);
    for (const encoding of ['UTF8', 'SHIFT_JIS_2004', 'WIN1252']) {
      const dump = new RepeatedDump({ chunks: pieces(bytes), bytes: undefined, finish: () => Promise.resolve() });
      const { encodingAt } = await readArchive(dump.peek());
      dump.overwrite(encodingAt!.start, encodingStatement(encoding, encodingAt!.length));
      const chunks: Uint8Array[] = [];
      for await (const chunk of dump.readAll()) chunks.push(chunk);
      const changed = Buffer.concat(chunks);
      expect(changed).toHaveLength(bytes.length);
      expect(changed.toString('latin1').replace(/SET [^;]*;\s*\n/, '')).toBe(bytes.toString('latin1').replace(/SET [^;]*;\s*\n/, ''));
    }
  });

  it('is looked for in every line, and the first that is not UTF-8 is named', async () => {
    const sql = (data: Buffer): Buffer => Buffer.concat([
      Buffer.from('-- Name: items; Type: TABLE; Schema: public; Owner: o\nCREATE TABLE public.items (\n    name text\n);\nCOPY public.items (name) FROM stdin;\nfine\nJür'), data, Buffer.from('gen\n\\.\n\n-- done\n'),
    ]);
    expect(await findBadText(pieces(sql(Buffer.from('ä😀'))))).toBeUndefined();
    expect(await findBadText(pieces(sql(Buffer.from([0xe4, 0x72]))))).toEqual({ where: 'line 2 of the data of public.items', bytes: '0xe4 0x72' });
    expect(await findBadText(pieces(Buffer.from('-- Name: v; Type: VIEW; Schema: a; Owner: o\nCREATE VIEW \xe4\n', 'latin1')))).toEqual({ where: 'the definition of VIEW v', bytes: '0xe4' });
  });

  it('is one that PostgreSQL converts', () => {
    expect(['latin1', 'LATIN-1', 'win1252', 'utf-8', 'euc_jis_2004'].map(parseEncoding)).toEqual(['LATIN1', 'LATIN1', 'WIN1252', 'UTF8', 'EUC_JIS_2004']);
    expect(() => parseEncoding('klingon')).toThrow('--encoding takes one of');
  });
});

describe('the locale of a source', () => {
  const of = (options: string) => readSourceLocale([entry(1, 'DATABASE', 'src', { definition: `CREATE DATABASE src WITH TEMPLATE = template0 ENCODING = 'UTF8'${options};\n` })]);

  it.each([
    [" LOCALE = 'en_US.UTF-8'", 'libc', 'en_US.UTF-8', undefined],
    [" LOCALE_PROVIDER = libc LOCALE = 'en_US.utf8'", 'libc', 'en_US.UTF-8', undefined],
    [" LC_COLLATE = 'C' LC_CTYPE = 'en_US.UTF-8'", 'libc', 'C.UTF-8', undefined],
    [" LOCALE = 'POSIX'", 'libc', 'C', undefined],
    [" LOCALE = 'de_DE'", 'libc', 'de_DE.UTF-8', undefined],
    [" LOCALE = 'de_DE.ISO8859-15@euro'", 'libc', 'de_DE.UTF-8', undefined],
    [" LOCALE = 'German_Germany.1252'", 'libc', 'German_Germany.1252', undefined],
    [" LC_COLLATE = 'de_DE.UTF-8' LC_CTYPE = 'en_US.UTF-8'", 'libc', 'de_DE.UTF-8', 'en_US.UTF-8'],
    [" LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'de-DE'", 'icu', 'de-DE', undefined],
    [" LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'und-x-icu'", 'icu', 'und', undefined],
    [" LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'de' ICU_RULES = '& V << w'", 'icu', 'de', 'rules of its own'],
    [" LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8'", 'builtin', 'C.UTF-8', undefined],
  ])('%s is had as %s %s', (options, provider, name, change) => {
    const wish = wishLocale(of(options)!);
    expect(wish.locale).toEqual({ provider, name });
    if (change === undefined) expect(wish.change).toBeUndefined();
    else expect(wish.change).toContain(change);
  });

  it('is not told by every dump', () => {
    expect(readSourceLocale([])).toBeUndefined();
  });

  it('is that of indexes, constraints and partitions on text without a collation', () => {
    const table = `CREATE TABLE "my app".t (\n    id integer NOT NULL,\n    "full name" text,\n    code character varying(10) COLLATE pg_catalog."C",\n    mail extensions.citext,\n    kind "my app".label\n)\nPARTITION BY RANGE ("full name");\n`;
    const index = (id: number, name: string, definition: string) => entry(id, 'INDEX', name, { schema: 'my app', needs: [1], definition });
    expect(findSorted([
      entry(8, 'DOMAIN', 'label', { schema: 'my app', definition: 'CREATE DOMAIN "my app".label AS text;\n' }),
      entry(1, 'TABLE', 't', { schema: 'my app', definition: table }),
      index(2, 'by lower', 'CREATE UNIQUE INDEX "by lower" ON "my app".t USING btree (lower("full name"));\n'),
      index(3, 'by id', 'CREATE INDEX "by id" ON "my app".t USING btree (id);\n'),
      index(4, 'code', 'CREATE INDEX code ON "my app".t USING btree (code);\n'),
      index(5, 'hashed', 'CREATE INDEX hashed ON "my app".t USING hash ("full name");\n'),
      index(6, 'pattern', 'CREATE INDEX pattern ON "my app".t USING btree ("full name" text_pattern_ops);\n'),
      index(7, 'mail', 'CREATE INDEX mail ON "my app".t USING btree (id, mail);\n'),
      entry(9, 'CONSTRAINT', 't t_key', { schema: 'my app', needs: [1], definition: 'ALTER TABLE ONLY "my app".t\n    ADD CONSTRAINT t_key UNIQUE (kind);\n' }),
      entry(10, 'CONSTRAINT', 't t_pkey', { schema: 'my app', needs: [1], definition: 'ALTER TABLE ONLY "my app".t\n    ADD CONSTRAINT "the mail" PRIMARY KEY (id);\n' }),
    ])).toEqual([
      { kind: 'partitions by range', name: 'my app.t' }, { kind: 'unique index', name: 'my app.by lower' }, { kind: 'index', name: 'my app.mail' }, { kind: 'unique constraint', name: 'my app.t t_key' },
    ]);
  });
});

describe('the locale of the new database', () => {
  const entries = (options: string): TocEntry[] => [
    entry(1, 'DATABASE', 'src', { definition: `CREATE DATABASE src WITH TEMPLATE = template0 ENCODING = 'UTF8'${options};\n` }),
    entry(2, 'TABLE', 't', { schema: 'public', definition: 'CREATE TABLE public.t (\n    name text NOT NULL\n);\n' }),
    entry(3, 'CONSTRAINT', 't t_pkey', { schema: 'public', needs: [2], definition: 'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (name);\n' }),
  ];
  const asked: unknown[] = [];
  /** Servers that have these alone. */
  const request = (...offered: string[]) => (body: { locale?: string; provider?: string }) => {
    asked.push(body);
    const isOffered = offered.includes(`${body.provider} ${body.locale}`);
    return isOffered ? Promise.resolve('made') : Promise.reject(new ProblemError(422, { type: 'http://h/problems/locale-not-available', title: '', status: 422, detail: 'no', instance: '', errors: [{ field: 'locale', message: 'is not available' }] }, undefined));
  };

  it('is the source\'s, or of its order', async () => {
    expect(await settleLocale(entries(" LOCALE = 'en_US.utf8'"), {}).ask(request('libc en_US.UTF-8'))).toBe('made');
    expect(await settleLocale(entries(" LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8'"), {}).ask(request('libc C.UTF-8'))).toBe('made');
  });

  it('is not another one unless that is asked for, and then it is told', async () => {
    const source = entries(" LOCALE = 'en_US.UTF-8'");
    await expect(settleLocale(source, {}).ask(request('libc C.UTF-8'))).rejects.toThrow(/libc en_US\.UTF-8, which cannot be had: it is not available\. Nothing was made\.[^]*primary key +public\.t t_pkey[^]*--locale C\.UTF-8/);
    expect(() => settleLocale(entries(" LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'de' ICU_RULES = '&a<b'"), {})).toThrow('--provider icu --locale de');
    const { ask, notCarried } = settleLocale(source, { provider: 'icu', locale: 'en-US-x-icu' });
    expect(notCarried).toEqual([{ kind: 'locale', name: 'libc en_US.UTF-8', why: 'text is sorted by icu en-US there' }]);
    expect(await ask(request('icu en-US'))).toBe('made');
    expect(settleLocale(source, { locale: 'en_US.UTF-8' }).notCarried).toEqual([]);
  });
});

describe('a file', () => {
  it.each([
    ['', 'it is empty'],
    ['hello', 'it is not a dump'],
    ['--\n-- PostgreSQL database dump\n--', 'it is SQL'],
    ['\x1f\x8b\x08', 'gunzip'],
  ])('that begins with %j is no dump', (text, says) => {
    expect(sniffDump(Buffer.from(text, 'latin1'))).toMatchObject({ restorable: false, fault: expect.stringContaining(says) as string });
  });

  it('in the custom format is one', () => {
    expect(sniffDump(Buffer.from('PGDMP\x01\x0e'))).toEqual({ restorable: true, format: 'custom' });
  });

  it('that is a tar archive is read up to its end mark', async () => {
    const header = Buffer.alloc(512);
    header.write('toc.dat', 0);
    header.write('00000001000\0', 124);
    header.write('ustar', 257);
    const archive = Buffer.concat([header, Buffer.alloc(512, 'x'), Buffer.alloc(1024)]);
    const faultOf = (bytes: Buffer) => findTarFault((position, length) => Promise.resolve(bytes.subarray(position, position + length)));
    expect(sniffDump(archive.subarray(0, 512))).toEqual({ restorable: true, format: 'tar' });
    expect(await faultOf(archive)).toBeUndefined();
    expect(await faultOf(archive.subarray(0, 900))).toBe('it ends too soon');
    expect(await faultOf(Buffer.concat([header, Buffer.alloc(1024, 'x')]))).toBe('a part of it is no archive');
  });
});
