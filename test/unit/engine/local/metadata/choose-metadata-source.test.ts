import { describe, expect, it } from 'vitest';
import type { StoredBackup } from '../../../../../src/engine/backups-port.js';
import { chooseMetadataSources, type MetadataAtSite } from '../../../../../src/engine/local/metadata/choose-metadata-source.js';

const backup = (finishedAt: string): StoredBackup =>
  ({ label: finishedAt, backupId: 'bkp_1', startedAt: new Date(finishedAt), finishedAt: new Date(finishedAt), databaseBytes: 1, storedBytes: 1, startLsn: '0/1', stopLsn: '0/2' });
const site = (name: string, newestWal: string | undefined, ...finished: string[]): MetadataAtSite => ({ site: name, kind: 'live', newestWal, backups: finished.map(backup) });
const chosen = (sites: MetadataAtSite[], time?: string): string[] => chooseMetadataSources(sites, time === undefined ? undefined : new Date(time)).map(({ site: name, backup: { label } }) => `${name} ${label}`);

const DAY_1 = '2026-11-24T02:00:00.000Z';
const DAY_2 = '2026-11-25T02:00:00.000Z';

describe('where the metadata is restored from', () => {
  it('is the site with the newest WAL, whatever backup it has', () => {
    expect(chosen([site('a', '000000010000000000000005', DAY_2), site('b', '000000010000000000000006', DAY_1)])).toEqual([`b ${DAY_1}`, `a ${DAY_2}`]);
    expect(chosen([site('a', '000000010000000000000009', DAY_2), site('b', '000000020000000000000004', DAY_2)])[0]).toBe(`b ${DAY_2}`);
  });

  it('is a frozen copy last, and no site without a backup', () => {
    const frozen: MetadataAtSite = { site: 'cold', kind: 'frozen', backups: [backup(DAY_2)] };
    expect(chosen([frozen, site('empty', undefined), site('a', '000000010000000000000001', DAY_1)])).toEqual([`a ${DAY_1}`, `cold ${DAY_2}`]);
  });

  it('begins with the newest backup that was certainly complete at the moment that is wanted', () => {
    const sites = [site('a', '000000010000000000000005', DAY_2, DAY_1)];
    expect(chosen(sites, '2026-11-25T02:00:01.000Z')).toEqual([`a ${DAY_2}`]);
    expect(chosen(sites, '2026-11-25T02:00:00.500Z')).toEqual([`a ${DAY_1}`]);
    expect(chosen(sites, '2026-11-23T00:00:00.000Z')).toEqual([]);
  });
});
