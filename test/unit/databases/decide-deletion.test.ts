import { describe, expect, it } from 'vitest';
import { type BackupsOfDeleted, decideDeletion, type DeletionFacts } from '../../../src/databases/decide-deletion.js';

const backups: BackupsOfDeleted = { provisioned: true, stored: 'bkp_2', whole: 'bkp_2', underWay: false, archived: true, noSite: null };
const usual: DeletionFacts = { withoutBackup: false, backups, primary: 'running', standbyIsThere: true };
const decide = (facts: Partial<DeletionFacts>, of: Partial<BackupsOfDeleted> = {}) => decideDeletion({ ...usual, backups: { ...backups, ...of }, ...facts });

describe('whether the instances of a deleted database may be destroyed', () => {
  it('is once its last WAL has followed a backup that holds the rest', () => {
    expect(decide({})).toEqual({ decision: 'archive', backup: 'bkp_2' });
  });

  it('is not before a backup is stored, nor while a hole is behind the newest', () => {
    const none = { stored: null, whole: null };
    expect(decide({}, { ...none, underWay: true })).toMatchObject({ decision: 'wait', reason: 'no backup of it is stored yet: one is being made' });
    expect(decide({}, none)).toMatchObject({ decision: 'wait', reason: expect.stringContaining('is about to be made') as string });
    expect(decide({}, { ...none, archived: false })).toMatchObject({ decision: 'wait', reason: expect.stringContaining('no backup site') as string });
    expect(decide({}, { whole: null })).toMatchObject({ decision: 'wait', reason: expect.stringContaining('older than a hole') as string });
  });

  it('says how it goes without a backup, above all where no site can take one', () => {
    const none = { stored: null, whole: null, underWay: true };
    const noSite = 'falkenstein: it is full: 8192 bytes are free; toronto: it is full: 8192 bytes are free';
    expect(decide({}, none)).toMatchObject({ hint: expect.stringContaining('--without-backup') as string });
    expect(decide({ primary: 'gone' }, none)).toMatchObject({ decision: 'hold', hint: expect.stringContaining('--without-backup') as string });
    expect(decide({}, { ...none, noSite })).toMatchObject({
      decision: 'wait', reason: `no backup of it is stored yet: no backup site can be used (${noSite})`, hint: expect.stringMatching(/^make room at a backup site.*--without-backup/) as string,
    });
  });

  it('is not while its primary is down: it is started', () => {
    expect(decide({ primary: 'down' })).toEqual({ decision: 'start-primary' });
    expect(decide({ primary: 'down' }, { stored: null, whole: null })).toEqual({ decision: 'start-primary' });
  });

  it('is when its primary is gone and nothing more can be saved, but not when a standby has the last copy', () => {
    expect(decide({ primary: 'gone' })).toMatchObject({ decision: 'destroy', because: expect.stringContaining('as it was last archived') as string });
    const none = { stored: null, whole: null };
    expect(decide({ primary: 'gone', standbyIsThere: false }, none)).toMatchObject({ decision: 'destroy' });
    expect(decide({ primary: 'gone' }, none)).toMatchObject({ decision: 'hold' });
  });

  it('is at once where nothing was promised, or nothing is wanted', () => {
    expect(decide({}, { provisioned: false, stored: null, whole: null })).toMatchObject({ decision: 'destroy' });
    expect(decideDeletion({ ...usual, backups: undefined })).toMatchObject({ decision: 'destroy' });
    expect(decide({ withoutBackup: true, primary: 'down' }, { stored: null, whole: null })).toMatchObject({ decision: 'destroy', because: expect.stringContaining('cannot be brought back') as string });
    expect(decide({ withoutBackup: true, primary: 'gone' }, { stored: null, whole: null })).toMatchObject({ decision: 'destroy' });
  });
});
