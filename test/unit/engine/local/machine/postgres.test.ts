import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { judgeVersion } from '../../../../../src/supervisor/judge-version.js';
import { findHomeless } from '../../../../../src/engine/engine.js';
import { HostShell } from '../../../../../src/engine/local/machine/host-shell.js';
import { chooseForNew, faultForNew, faultOf, newestFirst, POSTGRES_PROGRAMS, type FoundPostgres } from '../../../../../src/engine/local/machine/judge-postgres.js';
import { PostgresInstallations } from '../../../../../src/engine/local/machine/postgres-binaries.js';

const found = (version: string, more: Partial<FoundPostgres> = {}): FoundPostgres => {
  const major = Number(version.split('.')[0]);
  return { directory: `/pg/${major}/bin`, major, version, missing: [], ...more };
};

describe('the choice of a PostgreSQL', () => {
  it('makes new databases with the newest that is complete and that pgBackRest knows, and says why others are passed over', () => {
    const all = [found('15.18'), found('17.6', { missing: ['pg_dump'] }), found('18.1'), found('16.10')];
    expect(chooseForNew(all, [2, 48])).toMatchObject({
      chosen: { version: '16.10' },
      passedOver: [expect.stringContaining('pgbackrest 2.48 does not know postgresql 18'), expect.stringContaining('pg_dump missing: apt-get install postgresql-client-17') as string],
    });
    expect(chooseForNew(all, [2, 57]).chosen?.version).toBe('18.1');
    expect(chooseForNew(all, [2, 45]).chosen?.version).toBe('15.18');
    expect(chooseForNew([], [2, 60])).toEqual({ chosen: undefined, passedOver: [] });
  });

  it('refuses minors in which a commit may skip its standby, betas, and majors that it was not tried with', () => {
    for (const version of ['15.12', '16.8', '17.4']) expect(faultOf(found(version))).toMatch(/too old: install 15\.13, 16\.9, 17\.5/);
    for (const version of ['15.13', '16.9', '17.5', '18.0', '19.0']) expect(faultOf(found(version))).toBeUndefined();
    expect(faultOf(found('0.0', { major: 18 }))).toMatch(/no release/);
    expect(faultForNew(found('19.0'), [2, 70])).toMatch(/newer than .* tried with: install postgresql-18/);
    expect(chooseForNew([found('17.4'), found('15.18')], [2, 60]).chosen?.version).toBe('15.18');
  });

  it('names the packages that complete a major', () => {
    expect(faultOf(found('17.6', { missing: ['initdb', 'psql'] }))).toMatch(/initdb, psql missing: apt-get install postgresql-17 postgresql-client-17$/);
  });

  it('takes the complete one of two of the same major, and forgets majors that nobody supports', () => {
    const all = [found('14.20'), found('16.10', { missing: ['psql'] }), found('16.10', { directory: '/opt/bin' })];
    expect(newestFirst(all).map(({ directory }) => directory)).toEqual(['/opt/bin']);
  });
});

describe('the versions of other programs', () => {
  const need = { program: 'pgbouncer', package: 'pgbouncer', from: [1, 18], upTo: [1, 26] } as const;
  it('are refused if too old, and told of if nobody has tried them', () => {
    expect(judgeVersion(need, undefined)).toEqual({ fault: 'pgbouncer (1.18 or newer)' });
    expect(judgeVersion(need, { path: '/b/pgbouncer', version: [1, 17] })).toEqual({ fault: 'pgbouncer 1.18 or newer (/b/pgbouncer is 1.17)' });
    expect(judgeVersion(need, { path: '/b/pgbouncer', version: [1, 26] })).toEqual({ well: true });
    expect(judgeVersion(need, { path: '/b/pgbouncer', version: [1, 27] })).toEqual({ warning: '/b/pgbouncer is 1.27, and the newest that Freehold was tried with is 1.26' });
  });
});

describe('the PostgreSQLs of a machine', () => {
  const root = mkdtempSync(join(tmpdir(), 'freehold-postgres-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Programs that only say their version: which of them is run is the question. */
  function install(name: string, version: string, programs: readonly string[] = POSTGRES_PROGRAMS): string {
    const folder = `${root}/${name}/bin`;
    mkdirSync(folder, { recursive: true });
    for (const program of programs) {
      writeFileSync(`${folder}/${program}`, `#!/bin/sh\necho "${program} (PostgreSQL) ${version} (Debian ${version}-1)"\n`);
      chmodSync(`${folder}/${program}`, 0o755);
    }
    return folder;
  }
  const shell = HostShell.bare(root);
  const find = (path: readonly string[] = [], backrest?: readonly [number, number]) => PostgresInstallations.find(shell, { packaged: root, path, ...(backrest && { backrest }) });

  it('run each cluster with the major that made it, whatever else is installed later', async () => {
    const fifteen = install('15', '15.18');
    const before = await find([], [2, 60]);
    expect(before.forNew()).toMatchObject({ directory: fifteen, version: '15.18' });
    await expect(before.ofMajor(17)).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('apt-get install postgresql-17') as string });
    const seventeen = install('17', '17.6');
    expect(await before.ofMajor(17)).toMatchObject({ directory: seventeen });
    expect(await before.ofMajor(15)).toMatchObject({ directory: fifteen });
    const after = await find([], [2, 60]);
    expect(after.forNew()).toMatchObject({ major: 17 });
    expect(after.clients).toMatchObject({ major: 17 });
    expect(await after.ofMajor(15)).toMatchObject({ directory: fifteen });
    expect((await find([], [2, 45])).forNew()).toMatchObject({ major: 15 });
  });

  it('are found on the path, too, and told apart from what is half there or a beta', async () => {
    const elsewhere = install('elsewhere', '16.10');
    install('18', '18.1', ['postgres', 'initdb']);
    install('19', '19beta1');
    const all = await find([elsewhere], [2, 60]);
    expect(all.usable().map(({ version }) => version)).toEqual(['17.6', '16.10', '15.18']);
    expect(all.choose().passedOver).toEqual([expect.stringContaining('19') as string, expect.stringContaining('postgresql-18 postgresql-client-18') as string]);
    await expect(all.ofMajor(18)).rejects.toThrow(/not complete/);
  });

  it('tell which databases of a fleet have none, by the files of their instances', async () => {
    const fleet = `${root}/fleet`;
    for (const [host, database, major] of [['h1', 'db_a', '15'], ['h2', 'db_a', '15'], ['h1', 'db_b', '14'], ['h2', 'db_c', '18']] as const) {
      mkdirSync(`${fleet}/hosts/${host}/${database}/volume/ins/data`, { recursive: true });
      writeFileSync(`${fleet}/hosts/${host}/${database}/volume/ins/data/PG_VERSION`, `${major}\n`);
    }
    mkdirSync(`${fleet}/hosts/h1/db_new/volume/ins`, { recursive: true });
    // Its volume is closed.
    mkdirSync(`${fleet}/hosts/h1/db_d/ins`, { recursive: true });
    writeFileSync(`${fleet}/hosts/h1/db_d/ins/major`, '14\n');
    const all = await find([], [2, 60]);
    const homeless = await findHomeless(fleet, { usable: all.usable(), forNew: undefined, passedOver: [], faultOf: (major) => all.faultOf(major) });
    expect([...homeless]).toEqual([[14, ['db_b', 'db_d']], [18, ['db_c']]]);
    expect(all.faultOf(14)).toBe('postgresql 14 is not installed: apt-get install postgresql-14');
    expect(all.faultOf(18)).toMatch(/not complete/);
  });

  it('are missed plainly', async () => {
    rmSync(root, { recursive: true });
    mkdirSync(root);
    await expect(find()).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('not installed') as string });
    install('15', '15.4');
    await expect(find()).rejects.toThrow(/15\.4 .* too old/);
  });
});
