import { describe, expect, it } from 'vitest';

import { readSettings, SettingsError } from '../../../src/config/settings.js';
import { toRepository } from '../../../src/engine/local/backups/configured-site.js';
import { chooseBackup } from '../../../src/engine/local/backups/restore-cluster.js';
import { backrestFailure } from '../../../src/engine/local/backups/backrest-failure.js';
import { backrestConfiguration, setOptions } from '../../../src/engine/local/backups/repositories.js';

const required = {
  DATABASE_URL: 'postgresql://127.0.0.1/freehold', REDIS_URL: 'redis://127.0.0.1', FREEHOLD_DATA_DIR: '/var/lib/freehold',
  FREEHOLD_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
};
const site = (id: string, repository: object, kind = 'live') => ({ id, name: id, country: 'DE', dataCenter: `dc-${id}`, kind, repository });
const good = [
  site('one', { type: 's3', bucket: 'backups', endpoint: 's3.eu-central-1.amazonaws.com', region: 'eu-central-1', keyFile: '/etc/freehold/s3' }),
  site('two', { type: 'azure', account: 'freehold', container: 'backups', keyFile: '/etc/freehold/azure' }),
  site('three', { type: 'gcs', bucket: 'backups', keyFile: '/etc/freehold/gcs.json' }),
  site('cold', { type: 'posix', path: '/mnt/cold' }, 'frozen'),
];
const read = (sites: unknown) => readSettings({ ...required, FREEHOLD_BACKUP_SITES: typeof sites === 'string' ? sites : JSON.stringify(sites) }).FREEHOLD_BACKUP_SITES;

function faultsOf(sites: unknown): readonly string[] {
  try {
    read(sites);
    return [];
  } catch (error) {
    return (error as SettingsError).faults;
  }
}

describe('the backup sites', () => {
  it('are read, with what has a default filled in', () => {
    expect(read(good)).toMatchObject([{ id: 'one', repository: { path: '/freehold', uriStyle: 'host' } }, {}, {}, { kind: 'frozen' }]);
  });

  it('have each fault named at once', () => {
    expect(faultsOf('not json')).toEqual(['FREEHOLD_BACKUP_SITES must be a list of sites in JSON']);
    const shape = faultsOf([{ ...good[0], country: 'Germany' }, { ...good[1], repository: { type: 'ftp' } }, site('X', { type: 'posix', path: 'here' }), good[3]]);
    expect(shape.map((fault) => fault.split(' ')[0])).toEqual(['0.country', '1.repository.type', '2.id', '2.repository.path'].map((at) => `FREEHOLD_BACKUP_SITES.${at}`));
    const whole = faultsOf([good[0], { ...good[0], kind: 'frozen' }]).join('\n');
    for (const words of ['3 live sites, and has 1', 'cannot lock objects', 'two sites with the id one', 'two sites with the dataCenter dc-one']) expect(whole).toContain(words);
  });

  it('keep a secret out of the setting, and line breaks out of what is passed on', () => {
    expect(faultsOf([{ ...good[0], repository: { ...good[0]!.repository, key: 'AKIA' } }, good[1], good[2], good[3]])).toHaveLength(1);
    expect(faultsOf([{ ...good[0], repository: { ...good[0]!.repository, bucket: 'a\nrepo1-path=/' } }, good[1], good[2], good[3]])).toHaveLength(1);
  });

  it('become options of pgBackRest, a repository per database, with files of the account\'s own', () => {
    const [s3, azure, gcs] = read(good)!;
    expect(toRepository(s3!.repository, 'AKIA\nsecret').options).toMatchObject({ 's3-key': 'AKIA', 's3-key-secret': 'secret', 's3-uri-style': 'host' });
    expect(toRepository({ ...s3!.repository, keyFile: undefined } as never, '').options).toMatchObject({ 's3-key-type': 'auto' });
    expect(toRepository(azure!.repository, 'key').options).toMatchObject({ 'azure-key': 'key', 'azure-key-type': 'shared' });
    const repository = setOptions(toRepository(gcs!.repository, '{}'), 'db_1', 'cipher', '/work/db_1/three');
    expect(backrestConfiguration({ comment: 'db_1', repositories: [repository], options: { 'archive-async': 'y' } }).split('\n')).toEqual(expect.arrayContaining([
      '# db_1', '[global]', 'repo1-type=gcs', 'repo1-path=/freehold/db_1', 'repo1-gcs-key=/work/db_1/three/gcs-key', 'repo1-cipher-pass=cipher', 'archive-async=y',
    ]));
  });
});

describe('a restore', () => {
  const backup = (label: string, finishedAt: string) => ({
    label, backupId: label, startedAt: new Date(finishedAt), finishedAt: new Date(finishedAt), databaseBytes: 1, storedBytes: 1, startLsn: '0/1', stopLsn: '0/2',
  });
  const all = [backup('b', '2026-11-02T02:00:00Z'), backup('c', '2026-11-03T02:00:00Z'), backup('a', '2026-11-01T02:00:00Z')];
  const choose = (time: Date | 'latest') => chooseBackup(all, { site: 'one', time }).label;

  it('begins with the newest backup that was complete by then', () => {
    expect([choose('latest'), choose(new Date('2026-11-03T01:59:59Z')), choose(new Date('2026-11-02T02:00:01Z'))]).toEqual(['c', 'b', 'b']);
    expect(() => choose(new Date('2026-10-01'))).toThrow('no backup from before that time');
  });

  it('begins with an earlier one in the second in which a backup was complete: that may have been after the moment', () => {
    expect([choose(new Date('2026-11-02T02:00:00.400Z')), choose(new Date('2026-11-01T02:00:00.400Z'))]).toEqual(['a', 'a']);
  });

  it('tells a damaged backup, one who is in the way, and a full disk apart', () => {
    const failure = (code: number, stderr: string) => backrestFailure('the restore', { code, stdout: '', stderr: `2026 P00 ERROR: [${String(code).padStart(3, '0')}]: ${stderr}` });
    expect(failure(26, 'actual checksum does not match expected checksum')).toMatchObject({ kind: 'permanent', hint: 'use another site' });
    expect(failure(50, 'unable to acquire lock')).toMatchObject({ kind: 'transient' });
    expect(failure(64, 'unable to write: [28] No space left on device').message).toContain('room');
  });
});
