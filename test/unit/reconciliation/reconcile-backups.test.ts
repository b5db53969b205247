import { describe, expect, it } from 'vitest';
import type { StoredBackup } from '../../../src/engine/backups-port.js';
import { reconcileBackups, type RecordedCopy } from '../../../src/reconciliation/reconcile-backups.js';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 24, 2, minute));
const stored = (backupId: string, label: string, minute = 0): StoredBackup =>
  ({ backupId, label, startedAt: at(minute), finishedAt: at(minute + 1), databaseBytes: 1, storedBytes: 1, startLsn: '0/1', stopLsn: '0/2' });
const copy = (backupId: string, site: string, label: string | null, state = 'stored'): RecordedCopy => ({ backupId, site, label, state });

describe('the records of backups after the metadata was restored', () => {
  it('stay as they are where the catalogues agree', () => {
    expect(reconcileBackups([copy('one', 'a', 'A1')], [{ site: 'a', backups: [stored('one', 'A1')] }])).toEqual({ made: [], stored: [], gone: [] });
  });

  it('take in a backup that was made since, with each of its copies', () => {
    const found = reconcileBackups([], [{ site: 'a', backups: [stored('two', 'A2', 5)] }, { site: 'b', backups: [stored('two', 'B2', 7)] }]);
    expect(found.made).toEqual([{ id: 'two', startedAt: at(5), finishedAt: at(8) }]);
    expect(found.stored.map(({ site, backup }) => `${site} ${backup.label}`)).toEqual(['a A2', 'b B2']);
  });

  it('take in a copy that was stored since', () => {
    const found = reconcileBackups([copy('one', 'a', 'A1'), copy('one', 'b', null, 'pending')], [{ site: 'a', backups: [stored('one', 'A1')] }, { site: 'b', backups: [stored('one', 'B1')] }]);
    expect(found.made).toEqual([]);
    expect(found.stored).toMatchObject([{ backupId: 'one', site: 'b' }]);
  });

  it('give up a copy that was removed since, but none at a site that did not answer', () => {
    expect(reconcileBackups([copy('one', 'a', 'A1'), copy('one', 'b', 'B1')], [{ site: 'a', backups: [] }])).toEqual({ made: [], stored: [], gone: [{ backupId: 'one', site: 'a' }] });
  });

  it('know nothing of a backup that somebody else made', () => {
    expect(reconcileBackups([], [{ site: 'a', backups: [stored('', 'A9')] }])).toEqual({ made: [], stored: [], gone: [] });
  });
});
