import { describe, expect, it } from 'vitest';
import { chooseCarried, findMissingExtensions, findNotCarried } from '../../src/cli/import/choose-carried.js';
import { splitPassword } from '../../src/cli/import/connection.js';
import { findTarFault } from '../../src/cli/import/find-tar-fault.js';
import { parseGrants } from '../../src/cli/import/parse-grants.js';
import { explainDumpFailure, firstError, parseRestoreErrors } from '../../src/cli/import/parse-messages.js';
import { parseToc } from '../../src/cli/import/parse-toc.js';
import { sniffDump } from '../../src/cli/import/sniff-dump.js';

/** Of pg_restore 15.18, of a database that has one of everything. */
const LISTING = `;
; Archive created at 2026-11-26 21:20:51 UTC
;     Dumped from database version: 15.18 (Debian 15.18-0+deb12u1)
;     Dumped by pg_dump version: 15.18 (Debian 15.18-0+deb12u1)
;
3485; 1262 16384 DATABASE - src postgres
3486; 0 0 DATABASE PROPERTIES - src postgres
5; 2615 2200 SCHEMA - public pg_database_owner
3; 3079 16469 EXTENSION - dblink${' '}
3487; 0 0 COMMENT - EXTENSION dblink${' '}
2; 3079 16388 EXTENSION - pg_trgm${' '}
3488; 0 0 COMMENT - EXTENSION pg_trgm${' '}
6; 3079 16390 EXTENSION - postgis${' '}
313; 1255 16532 FUNCTION public f(integer, text) postgres
2156; 1417 16534 SERVER - far postgres
3490; 0 0 USER MAPPING - USER MAPPING bob SERVER far postgres
220; 1259 16536 FOREIGN TABLE public ft postgres
219; 1259 16522 TABLE public t bob
3492; 0 0 ACL public TABLE t bob
3474; 0 16522 TABLE DATA public t bob
3469; 3256 16530 POLICY public t p bob
3494; 0 0 COMMENT public POLICY p ON t bob
3470; 3256 16531 POLICY public t q bob
3468; 0 16522 ROW SECURITY public t bob
3471; 6104 16539 PUBLICATION - pub postgres
3472; 6106 16540 PUBLICATION TABLE public pub t postgres
3473; 6100 16541 SUBSCRIPTION - sub postgres
3320; 3466 16533 EVENT TRIGGER - et postgres
`;

const GRANTS = `--
-- Name: TABLE t; Type: ACL; Schema: public; Owner: bob
--

GRANT SELECT ON TABLE public.t TO "the clerk" WITH GRANT OPTION;
GRANT SELECT ON TABLE public.t TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES  TO "the clerk";
REVOKE ALL ON TABLE public.t FROM carol;

--
-- Name: t p; Type: POLICY; Schema: public; Owner: bob
--

CREATE POLICY p ON public.t FOR SELECT TO bob, "the clerk" USING (true);

--
-- Name: t q; Type: POLICY; Schema: public; Owner: bob
--

CREATE POLICY q ON public.t USING ((note = 'give TO bob'::text));
`;

const OFFERED = new Map([['pg_trgm', true], ['dblink', false]]);

describe('the contents of a dump', () => {
  const { entries, serverMajor } = parseToc(LISTING);
  const use = parseGrants(GRANTS);

  it('are read with kinds and names of several words', () => {
    expect(serverMajor).toBe(15);
    expect(entries).toHaveLength(23);
    expect(entries.find(({ id }) => id === 313)).toEqual({
      id: 313, kind: 'FUNCTION', schema: 'public', name: 'f(integer, text)', owner: 'postgres', line: '313; 1255 16532 FUNCTION public f(integer, text) postgres',
    });
    expect(entries.find(({ id }) => id === 3474)).toMatchObject({ kind: 'TABLE DATA', name: 't', owner: 'bob' });
    expect(entries.find(({ id }) => id === 3472)).toMatchObject({ kind: 'PUBLICATION TABLE', name: 'pub t' });
    expect(entries.find(({ id }) => id === 2)).toMatchObject({ kind: 'EXTENSION', schema: undefined, name: 'pg_trgm', owner: undefined });
  });

  it('name the roles that are granted something, and those that a policy needs', () => {
    expect([...use.grants]).toEqual([['the clerk', 2], ['PUBLIC', 1]]);
    expect([...use.policies]).toEqual([['public.t p', ['bob', 'the clerk']]]);
  });

  it('are told of where a customer\'s database cannot have them', () => {
    const told = findNotCarried(entries, use).map(({ kind, name }) => `${kind} ${name}`);
    expect(told).toEqual([
      'privileges PUBLIC', 'role bob', 'role postgres', 'role the clerk', 'database properties src', 'server far', 'user mapping bob SERVER far',
      'foreign table public.ft', 'publication pub', 'subscription sub', 'event trigger et', 'policy public.t p',
    ]);
    expect(findNotCarried(entries, use).find(({ name }) => name === 'the clerk')?.why).toBe('2 grants to it will be missing');
    expect(findMissingExtensions(entries, OFFERED)).toEqual([
      { kind: 'extension', name: 'dblink', why: 'only a superuser may make it; what needs it fails' },
      { kind: 'extension', name: 'postgis', why: 'it is not offered; what needs it fails' },
    ]);
  });

  it('are restored but for those, and what is said of them', () => {
    expect(chooseCarried(entries, use, OFFERED).map(({ id }) => id)).toEqual([2, 3488, 313, 219, 3474, 3470, 3468]);
  });
});

describe('messages of pg_restore', () => {
  it('are told with the object that failed, and without what an older server does not know of a newer pg_restore', () => {
    expect(parseRestoreErrors([
      'pg_restore: while INITIALIZING:',
      'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"',
      'Command was: SET transaction_timeout = 0;',
      'pg_restore: while PROCESSING TOC:',
      'pg_restore: from TOC entry 221; 1259 16542 VIEW v postgres',
      'pg_restore: error: could not execute query: ERROR:  function public.dblink(text) does not exist',
      'HINT:  No function matches.',
      'Command was: CREATE VIEW public.v AS',
      'HINT:  not one, but the text of the command',
      'pg_restore: from TOC entry 3474; 0 16522 TABLE DATA my table bob',
      'pg_restore: error: COPY failed for table "my table": ERROR:  duplicate key',
      'pg_restore: warning: errors ignored on restore: 3',
    ].join('\n'))).toEqual([
      { object: 'VIEW v', message: 'function public.dblink(text) does not exist (HINT: No function matches.)' },
      { object: 'TABLE DATA my table', message: 'COPY failed for table "my table": ERROR:  duplicate key' },
    ]);
    expect(firstError('pg_restore: warning: something\npg_restore: error: could not read from input file: end of file\n')).toBe('could not read from input file: end of file');
  });

  it('of pg_dump that it is too old name both versions', () => {
    const said = 'pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.2 (Debian 17.2-1); pg_dump version: 15.18\n';
    expect(explainDumpFailure(said, 15)).toBe("the server is PostgreSQL 17.2, and this machine's pg_dump is 15: install postgresql-client of the server's version or newer");
  });
});

describe('an address', () => {
  it.each([
    ['postgresql://u:p%40ss@h:1,i:2/db?sslmode=require', 'postgresql://u@h:1,i:2/db?sslmode=require', 'p@ss'],
    ['postgres://u@h/db?password=x%20y&application_name=a', 'postgres://u@h/db?application_name=a', 'x y'],
    ['postgresql:///db?host=/run/postgresql', 'postgresql:///db?host=/run/postgresql', undefined],
    ['postgresql://h/db', 'postgresql://h/db', undefined],
  ])('%s loses its password', (uri, address, password) => {
    expect(splitPassword(uri)).toEqual({ address, password });
  });

  it('is refused where libpq would take a part of the password for something else', () => {
    for (const uri of ['host=h password=x', 'postgresql://u:a/b@h/db', 'postgresql://u:50%@h/db']) expect(() => splitPassword(uri)).toThrow();
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
