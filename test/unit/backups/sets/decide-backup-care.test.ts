import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listRestoreTargets, rangeOf } from '../../../../src/backups/restores/choose-restore-source.js';
import { latestBackupTime } from '../../../../src/backups/sets/choose-backup-time.js';
import { type BackupFacts, decideBackupCare } from '../../../../src/backups/sets/decide-backup-care.js';
import { judgeBackupSigns } from '../../../../src/backups/sets/judge-backup-signs.js';
import type { Meaning } from '../../../../src/operations/traits.js';
import { meaningOf } from '../../../support/operation-tables.js';

const NOW = new Date('2026-11-26T12:00:00Z');
const ago = (minutes: number): Date => new Date(NOW.getTime() - minutes * 60_000);
const SITES = ['falkenstein', 'gravelines', 'toronto'];

const well: BackupFacts = {
  databaseId: 'db_1', timeZone: 'Europe/Berlin', epoch: 1, archive: { sites: SITES, epoch: 1, since: ago(60 * 24 * 9) },
  newest: { requestedAt: ago(60), finishedAt: ago(59), missingSites: [], damaged: false },
  unproved: [], outlived: [], running: [], failedAt: {}, hostsAreBusy: false, isDeleted: false, usableSites: SITES,
};
const at = (kind: string, step: string): Meaning => meaningOf({ kind, step });
const asked = (change: Partial<BackupFacts>) => decideBackupCare({ ...well, ...change }, NOW);

describe('what a database\'s backups need', () => {
  it('is nothing while all is well', () => expect(asked({})).toEqual([]));

  it('of a new database is first to archive, and then a backup', () => {
    expect(asked({ archive: null, newest: null })).toEqual([{ ask: 'set-archive', sites: SITES }]);
    expect(asked({ newest: null })).toEqual([{ ask: 'back-up', reason: 'first' }]);
  });

  it('when a site goes is to archive to the others, and when it is back to all, and then a new backup', () => {
    expect(asked({ usableSites: ['toronto', 'falkenstein'] })).toEqual([{ ask: 'set-archive', sites: ['toronto', 'falkenstein'] }]);
    expect(asked({ archive: { sites: SITES, epoch: 1, since: ago(1) } })).toEqual([{ ask: 'back-up', reason: 'hole' }]);
  });

  it('once a site is back is a new backup at once, whatever failed while it was away', () => {
    const archive = { sites: SITES, epoch: 1, since: ago(2) };
    expect(asked({ archive, failedAt: { 'back-up': ago(3) } })).toEqual([{ ask: 'back-up', reason: 'hole' }]);
    // It was asked for before, and ended after.
    expect(asked({ archive, failedAt: { 'back-up': ago(1) } })).toEqual([{ ask: 'back-up', reason: 'hole' }]);
    const newest = { requestedAt: ago(1), finishedAt: ago(1), missingSites: ['toronto'], damaged: false };
    expect(asked({ archive, newest, failedAt: { 'back-up': ago(1) } })).toEqual([]);
  });

  it('after a promotion is that the new primary is recorded to archive', () => expect(asked({ epoch: 2 })).toEqual([{ ask: 'set-archive', sites: SITES }]));

  it('while it is being deleted is a backup that holds all of it, and nothing else', () => {
    expect(asked({ isDeleted: true, newest: null })).toEqual([{ ask: 'back-up', reason: 'first' }]);
    expect(asked({ isDeleted: true, usableSites: ['toronto'] })).toEqual([{ ask: 'set-archive', sites: ['toronto'] }]);
    expect(asked({ isDeleted: true, archive: { sites: SITES, epoch: 1, since: ago(1) } })).toEqual([{ ask: 'back-up', reason: 'hole' }]);
    const newest = { requestedAt: ago(30), finishedAt: ago(29), missingSites: [], damaged: false };
    const old = { requestedAt: ago(60 * 24), finishedAt: ago(60 * 24), missingSites: [], damaged: false };
    expect(asked({ isDeleted: true, newest: old })).toEqual([{ ask: 'back-up', reason: 'scheduled' }]);
    expect(asked({ isDeleted: true, newest, outlived: ['bkp_1'], unproved: [{ id: 'bkp_2', finishedAt: ago(60 * 48), sites: SITES, damagedAt: null }] })).toEqual([]);
  });

  it('is a backup a day, in the night of its region', () => {
    expect(asked({ newest: { requestedAt: ago(60 * 24), finishedAt: ago(60 * 24), missingSites: [], damaged: false } })).toEqual([{ ask: 'back-up', reason: 'scheduled' }]);
  });

  it('is another backup where a copy is missing, not at once, and only once its site can be used', () => {
    const newest = { requestedAt: ago(30), finishedAt: ago(29), missingSites: ['toronto'], damaged: false };
    expect(asked({ newest })).toEqual([{ ask: 'back-up', reason: 'retry' }]);
    expect(asked({ newest, failedAt: { 'back-up': ago(1) } })).toEqual([]);
    expect(asked({ newest: { ...newest, missingSites: ['helsinki'] } })).toEqual([]);
  });

  it('waits for changes of the primary, for a busy host, and for what was asked before', () => {
    const changes = [
      ['failover', 'confirm'], ['failover', 'rebuild'], ['switchover', 'pause'], ['provision', 'route'], ['delete', 'close-routes'],
      ['delete', 'destroy-instances'], ['restore', 'save'], ['restore-in-place', 'save'], ['recover', 'route'],
    ] as const;
    for (const [kind, step] of changes) expect(asked({ archive: null, newest: null, running: [at(kind, step)] })).toEqual([]);
    for (const settled of [at('switchover', 'quiet'), at('delete', 'secure'), at('reprotect', 'look'), at('rotate-password', 'record')]) {
      expect(asked({ newest: null, running: [settled] })).toEqual([{ ask: 'back-up', reason: 'first' }]);
    }
    expect(asked({ newest: null, hostsAreBusy: true })).toEqual([]);
    expect(asked({ newest: null, running: [at('back-up', 'back-up')] })).toEqual([]);
    expect(asked({ archive: null, running: [at('set-archive', 'set')] })).toEqual([]);
  });

  it('is a proof of each backup within a day, from a site that can be used, and not at once again when it failed', () => {
    const unproved = [{ id: 'bkp_1', finishedAt: ago(60 * 24), sites: ['helsinki', 'toronto'], damagedAt: null }];
    expect(asked({ unproved })).toEqual([{ ask: 'prove-backup', backupId: 'bkp_1', site: 'toronto' }]);
    expect(asked({ unproved: [{ ...unproved[0]!, finishedAt: NOW }] })).toEqual([]);
    expect(asked({ unproved, failedAt: { 'prove-backup': ago(10) } })).toEqual([]);
  });

  it('after a copy was found damaged is a proof of the next one at once, and another backup', () => {
    const unproved = [{ id: 'bkp_1', finishedAt: ago(20), sites: ['toronto'], damagedAt: ago(1) }];
    expect(asked({ unproved, failedAt: { 'prove-backup': ago(1) } })).toEqual([{ ask: 'prove-backup', backupId: 'bkp_1', site: 'toronto' }]);
    expect(asked({ unproved, failedAt: { 'prove-backup': ago(1) }, running: [at('prove-backup', 'prove')] })).toEqual([]);
    // The next drill failed for a reason of its own: it is tried again later.
    expect(asked({ unproved: [{ ...unproved[0]!, damagedAt: ago(30) }], failedAt: { 'prove-backup': ago(10) } })).toEqual([]);
    expect(asked({ unproved: [{ ...unproved[0]!, sites: [] }], failedAt: { 'prove-backup': ago(1) } })).toEqual([]);
    const newest = { requestedAt: ago(60), finishedAt: ago(59), missingSites: [], damaged: true };
    expect(asked({ newest })).toEqual([{ ask: 'back-up', reason: 'retry' }]);
  });

  it('is that what no slot keeps is removed', () => expect(asked({ outlived: ['bkp_0'] })).toEqual([{ ask: 'expire-backups', backupIds: ['bkp_0'] }]));
});

describe('the time of the daily backup', () => {
  it('is within the last day, between midnight and six in the region, and always the same', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Singapore', 'Asia/Dubai', 'Australia/Sydney');
    fc.assert(fc.property(fc.string(), zones, fc.date({ min: new Date('2026-06-01T00:00:00Z'), max: new Date('2026-09-01T00:00:00Z'), noInvalidDate: true }), (id, timeZone, now) => {
      const due = latestBackupTime(id, timeZone, now);
      expect(now.getTime() - due.getTime()).toBeGreaterThanOrEqual(0);
      expect(now.getTime() - due.getTime()).toBeLessThan(86_400_000);
      const hour = Number(new Intl.DateTimeFormat('en-GB', { timeZone, hour: 'numeric', hourCycle: 'h23' }).format(due));
      expect(hour).toBeLessThan(6);
      expect(latestBackupTime(id, timeZone, new Date(due.getTime() + 3_600_000))).toEqual(due);
    }));
  });
});

describe('alerts about backups', () => {
  const signs = { databaseId: 'db_1', backupAgeSeconds: 3_600, proofAgeSeconds: 86_400, damage: null, archive: { pendingBytes: 0, pendingSeconds: 0, sites: 3 } };
  const kinds = (change: Partial<typeof signs> | { damage: string }) => judgeBackupSigns({ ...signs, ...change }).raise.map(({ kind, severity }) => `${kind} ${severity}`);

  it('are closed while all is well', () => {
    expect(judgeBackupSigns(signs)).toEqual({ raise: [], resolve: ['backup:db_1', 'proof:db_1', 'archive:db_1'] });
  });

  it('tell of backups that are old, proofs that fail or do not come, and WAL that waits', () => {
    expect(kinds({ backupAgeSeconds: 31 * 3_600 })).toEqual(['backup warning']);
    expect(kinds({ backupAgeSeconds: 60 * 3_600 })).toEqual(['backup critical']);
    expect(kinds({ proofAgeSeconds: 8 * 86_400 })).toEqual(['proof critical']);
    expect(kinds({ damage: 'checksum error' })).toEqual(['proof critical']);
    expect(kinds({ archive: { pendingBytes: 300 * 2 ** 20, pendingSeconds: 130, sites: 3 } })).toEqual(['archive warning']);
    // A new primary sends again what it has, and a bulk load makes as much: that drains.
    expect(kinds({ archive: { pendingBytes: 2_000 * 2 ** 20, pendingSeconds: 60, sites: 3 } })).toEqual([]);
    expect(kinds({ archive: { pendingBytes: 0, pendingSeconds: 4_000, sites: 0 } })).toEqual(['archive critical']);
  });
});

describe('where a restore reads from', () => {
  const sites = [...SITES.map((id) => ({ id, name: id, country: 'DE', dataCenter: id, kind: 'live' as const })), { id: 'helsinki', name: 'Helsinki', country: 'FI', dataCenter: 'Helsinki', kind: 'frozen' as const }];
  const copies = (ids: readonly string[]) => ids.map((site) => ({ site, label: `label at ${site}` }));
  const backups = [{ id: 'bkp_2', finishedAt: ago(10), sizeBytes: null, copies: copies(['gravelines', 'toronto', 'helsinki']) }, { id: 'bkp_1', finishedAt: ago(60), sizeBytes: null, copies: copies(['falkenstein', 'gravelines']) }];

  it('is a live site that has a backup of before, those first whose archive has no hole', () => {
    expect(listRestoreTargets({ time: ago(30) }, backups, sites)).toEqual([{ site: 'falkenstein', time: ago(30) }, { site: 'gravelines', time: ago(30) }]);
    const archive = { sites: ['gravelines', 'toronto'], since: ago(20) };
    expect(listRestoreTargets({ time: 'latest' }, backups, sites, { archive }).map((target) => 'site' in target && target.site)).toEqual(['gravelines', 'toronto', 'falkenstein']);
    expect(listRestoreTargets({ time: ago(90) }, backups, sites)).toEqual([]);
  });

  it('is of those alike the one nearest to the region', () => {
    const far = sites.map((site) => (site.id === 'toronto' ? { ...site, country: 'CA' } : site));
    const order = (region: string) => listRestoreTargets({ time: 'latest' }, backups, far, { region }).map((target) => 'site' in target && target.site);
    expect(order('oceania')[0]).toBe('toronto');
    expect(order('europe').at(-1)).toBe('toronto');
  });

  it('of one backup is each of its copies, cold storage last', () => {
    expect(listRestoreTargets({ backupId: 'bkp_2' }, backups, sites).map((target) => 'backup' in target && target.backup.site)).toEqual(['gravelines', 'toronto', 'helsinki']);
    expect(listRestoreTargets({ backupId: 'bkp_9' }, backups, sites)).toEqual([]);
  });

  it('is possible since the oldest backup at a live site', () => {
    expect(rangeOf(backups, sites, NOW)).toEqual({ from: ago(60), to: NOW });
    expect(rangeOf([], sites, NOW)).toBeUndefined();
  });
});
