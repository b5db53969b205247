import { describe, expect, it } from 'vitest';

import { commandFailure } from '../../../../../src/engine/local/machine/tool-failure.js';

const fails = (stderr: string, code = 1, stdout = ''): { kind: string; message: string; hint: string | undefined } => {
  const { kind, message, hint } = commandFailure('the dump of shop', { code, stdout, stderr });
  return { kind, message, hint };
};

describe('a program that failed', () => {
  it('is told in its own words, without the names of programs around it', () => {
    expect(fails('pg_dump: error: query failed: ERROR:  out of shared memory\nHINT:  You might need to increase max_locks_per_transaction.\npg_dump: detail: Query was: LOCK TABLE public.t12582 IN ACCESS SHARE MODE\n'))
      .toEqual({ kind: 'permanent', message: 'the dump of shop failed: out of shared memory', hint: expect.stringContaining('more tables') as string });
    expect(fails('pg_dump: error: connection to server at "127.9.1.11", port 15432 failed: FATAL:  database "nobody" does not exist\n').message).toBe('the dump of shop failed: database "nobody" does not exist');
    expect(fails('psql:<stdin>:3: ERROR:  role "a" does not exist\nLINE 1: …\n').message).toBe('the dump of shop failed: role "a" does not exist');
    expect(fails('mv: cannot stat \'/x\': No such file or directory\n', 1)).toMatchObject({ kind: 'transient', message: "the dump of shop failed: mv: cannot stat '/x': No such file or directory" });
    expect(fails('nice: \u2018pgbackrest\u2019: No such file or directory', 127)).toMatchObject({ kind: 'permanent', hint: expect.stringContaining('install') as string });
    expect(fails('', 3, 'said on the other channel').message).toBe('the dump of shop failed: said on the other channel');
    expect(fails(' \n', 3)).toMatchObject({ kind: 'transient', message: 'the dump of shop failed: it ended with code 3 and said nothing' });
    expect(fails('ERROR:  bad password=hunter2 for SCRAM-SHA-256$4096:abc').message).not.toMatch(/hunter2|abc/);
  });

  it.each([
    ['pg_dump: error: connection to server at "h", port 1 failed: FATAL:  sorry, too many clients already', 'transient', 'connections'],
    ['FATAL:  remaining connection slots are reserved for non-replication superuser connections', 'transient', 'connections'],
    ['pg_dump: error: Dumping the contents of table "big" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with recovery', 'transient', 'standby'],
    ['pg_dump: error: query failed: server closed the connection unexpectedly', 'transient', 'went away'],
    ['FATAL:  the database system is shutting down', 'transient', 'went away'],
    ['pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout', 'transient', 'lock'],
    ['ERROR:  out of memory\nDETAIL:  Failed on request of size 1024', 'transient', 'memory'],
    ['could not extend file "base/1/2": No space left on device', 'transient', 'room'],
    ['pg_dump: error: aborting because of server version mismatch', 'permanent', 'version'],
    ['pg_dump: error: query failed: ERROR:  permission denied for table t', 'permanent', 'role'],
    ['pg_dump: error: query failed: ERROR:  query would be affected by row-level security policy for table "t"', 'permanent', 'row-level'],
    ['ERROR:  invalid page in block 3 of relation base/5/16384', 'permanent', 'damaged'],
    ['ERROR:  missing chunk number 0 for toast value 16390 in pg_toast_16384', 'permanent', 'damaged'],
    ["pg_dump: unrecognized option '--nonsense'", 'permanent', 'version'],
    ['FATAL:  password authentication failed for user "freehold"', 'transient', 'let'],
    ['something that nobody foresaw', 'transient', 'log'],
  ])('says whether it may work next time: %s', (stderr, kind, hint) => {
    expect(fails(stderr)).toMatchObject({ kind, hint: expect.stringContaining(hint) as string });
  });
});
