import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findPooler, findRouter } from '../../../../../src/engine/local/gateway/gateway-programs.js';
import { isBefore, judgePooler, judgeRouter, readProgramVersion, type ProgramVersion } from '../../../../../src/engine/local/gateway/judge-programs.js';
import { HostShell } from '../../../../../src/engine/local/machine/host-shell.js';

const LUA = 'Built with Lua version : Lua 5.3.6';
const faultsOf = (version: ProgramVersion) => judgePooler(version).faults.join('\n');

describe('the judgement of a pooler', () => {
  it('refuses what knows no prepared statements or breaks them, with the reason', () => {
    for (const version of [[1, 18, 0], [1, 20, 1]] as const) {
      expect(judgePooler(version)).toEqual({ use: false, faults: [expect.stringMatching(/too old, it knows no prepared statements.*CVE-2026-6664.*install 1\.26\.1/) as string] });
    }
    expect(judgePooler([1, 21, 0])).toEqual({ use: false, faults: [expect.stringMatching(/DISCARD ALL/) as string] });
  });

  it('uses older ones and says what each of them lacks', () => {
    expect(judgePooler([1, 22, 0]).use).toBe(true);
    for (const words of [/COPY FROM STDIN/, /limit for the clients/, /cancel request/, /CVE-2026-6664/, /dropped without a word/, /CVE-2026-19888/, /CVE-2026-107350/]) expect(faultsOf([1, 22, 0])).toMatch(words);
    expect(faultsOf([1, 22, 1])).not.toMatch(/COPY FROM STDIN/);
    expect(faultsOf([1, 24, 1])).toMatch(/CVE-2026-6664[\s\S]*dropped without a word/);
    expect(faultsOf([1, 24, 1])).not.toMatch(/limit for the clients/);
    expect(faultsOf([1, 25, 2])).not.toMatch(/CVE-2026-6664/);
  });

  it('tells 1.26.0, which another user may be impersonated at, from 1.26.1', () => {
    expect(faultsOf([1, 26, 0])).toMatch(/CVE-2026-107350[\s\S]*CVE-2026-107349/);
    expect(faultsOf([1, 26, 0])).not.toMatch(/dropped without a word/);
    expect(judgePooler([1, 26, 1])).toEqual({ use: true, faults: [] });
    expect(judgePooler([1, 26, 9])).toEqual({ use: true, faults: [] });
  });

  it('says that nobody has tried a newer one', () => {
    for (const version of [[1, 27, 0], [2, 0, 0]] as const) expect(judgePooler(version)).toEqual({ use: true, faults: [expect.stringContaining('newer than this Freehold was tried with (1.26)')] });
  });
});

describe('the judgement of a router', () => {
  it('refuses what is too old or has no Lua', () => {
    expect(judgeRouter([2, 5, 9], true)).toMatchObject({ use: false, faults: [expect.stringContaining('2.6 or newer')] });
    expect(judgeRouter([2, 6, 12], false)).toMatchObject({ use: false, faults: [expect.stringContaining('without Lua')] });
    for (const version of [[2, 6, 0], [3, 0, 11]] as const) expect(judgeRouter(version, true)).toEqual({ use: true, faults: [] });
  });
});

describe('a version', () => {
  it('is read from what programs say', () => {
    expect(readProgramVersion('PgBouncer 1.26.1\nlibevent 2.1.13-stable\n')).toEqual([1, 26, 1]);
    expect(readProgramVersion('HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/')).toEqual([2, 6, 12]);
    expect(readProgramVersion('PgBouncer 1.8')).toEqual([1, 8, 0]);
    expect(readProgramVersion('cannot execute')).toBeUndefined();
  });

  it('is compared number by number', () => {
    expect(isBefore([1, 9, 9], [1, 22, 0])).toBe(true);
    expect(isBefore([1, 26, 1], [1, 26, 1])).toBe(false);
    expect(isBefore([2, 0, 0], [1, 26, 1])).toBe(false);
  });
});

describe('the programs of a gateway', () => {
  const root = mkdtempSync(join(tmpdir(), 'freehold-gateway-programs-'));
  const shell = HostShell.bare(root);
  const places = { own: `${root}/own`, system: [`${root}/sbin`, `${root}/bin`] };
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Programs that only say their version: which of them is chosen is the question. */
  function install(folder: string, program: string, said: string): string {
    mkdirSync(`${root}/${folder}`, { recursive: true });
    writeFileSync(`${root}/${folder}/${program}`, `#!/bin/sh\ncat <<'END'\n${said}\nEND\n`);
    chmodSync(`${root}/${folder}/${program}`, 0o755);
    return `${root}/${folder}/${program}`;
  }

  it('are missed plainly', async () => {
    await expect(findPooler(shell, places)).rejects.toMatchObject({ kind: 'permanent', message: 'pgbouncer is not installed', hint: expect.stringContaining('npm run setup') as string });
    await expect(findRouter(shell, places)).rejects.toMatchObject({ kind: 'permanent', message: 'haproxy is not installed', hint: 'apt-get install haproxy' });
  });

  it('are refused with the reason if none of them will do', async () => {
    install('sbin', 'pgbouncer', 'PgBouncer 1.18.0');
    install('bin', 'haproxy', 'HAProxy version 2.8.3');
    await expect(findPooler(shell, places)).rejects.toThrow(/sbin\/pgbouncer: pgbouncer 1\.18\.0 is too old/);
    await expect(findRouter(shell, places)).rejects.toThrow(/without Lua/);
  });

  it('are those with the fewest faults, and of equal ones that of the set-up', async () => {
    const old = install('bin', 'pgbouncer', 'PgBouncer 1.24.1\nlibevent 2.1.12-stable');
    expect(await findPooler(shell, places)).toMatchObject({ path: old, version: '1.24.1', faults: expect.arrayContaining([expect.stringContaining('CVE-2026-6664')]) as string[] });
    const sound = install('own/pgbouncer-1.26.1/bin', 'pgbouncer', 'PgBouncer 1.26.1');
    install('sbin', 'pgbouncer', 'PgBouncer 1.26.1');
    install('own/.making-pgbouncer-x/bin', 'pgbouncer', 'PgBouncer 1.26.2');
    install('own/pgbouncer-1.26.3/bin', 'pgbouncer', 'Segmentation fault');
    expect(await findPooler(shell, places)).toEqual({ path: sound, version: '1.26.1', faults: [] });
    install('bin', 'pgbouncer', 'PgBouncer 1.27.0');
    expect((await findPooler(shell, places)).path).toBe(sound);
    const router = install('sbin', 'haproxy', `HAProxy version 2.6.12-1+deb12u4 2026/10/17\n${LUA}`);
    expect(await findRouter(shell, places)).toEqual({ path: router, version: '2.6.12', faults: [] });
  });
});
