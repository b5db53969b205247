import { DomainError } from '../../problems/domain-problem.js';
import type { RestoreRange } from '../restores/choose-restore-source.js';
import '../backup.problems.js';

export class NoBackupsError extends DomainError {
  constructor() {
    super('unavailable', 'this data plane keeps no backups', { hint: 'see FREEHOLD_ENGINE' });
  }
}

export class BackupNotStoredError extends DomainError {
  constructor(what: string) {
    super('backup-not-stored', what, { hint: 'choose one whose copies are stored' });
  }
}

export class RestoreOutOfRangeError extends DomainError {
  constructor(time: Date, range: RestoreRange | undefined) {
    const message = range
      ? `must be from ${range.from.toISOString()} to ${range.to.toISOString()}`
      : 'has nothing to restore from: there is no backup yet';
    super('restore-out-of-range', `nothing can be restored as of ${time.toISOString()}`, {
      hint: range ? 'choose a time within the range' : 'wait for the first backup', fields: [{ field: 'time', message }],
      extensions: { range: range && { from: range.from.toISOString(), to: range.to.toISOString() } },
    });
  }
}

export class TimeUndoneError extends DomainError {
  constructor(time: Date, { from, to }: RestoreRange) {
    const stretch = `from ${from.toISOString()} to ${to.toISOString()}`;
    super('restore-out-of-range', `a restore in place has undone what was written ${stretch}`, {
      hint: 'it is in the copy that was kept aside, see freehold databases kept',
      fields: [{ field: 'time', message: `${time.toISOString()} lies in what was undone ${stretch}` }],
    });
  }
}

export class TooManyDumpsError extends DomainError {
  constructor(atOnce: number) {
    super('too-many-dumps', `${atOnce} dumps of the database are being made already`, {
      hint: 'wait for the end of one', retryAfterSeconds: 30,
    });
  }
}

/** A download that was ended from here; the connection of its client is cut. */
export class DumpGivenUpError extends DomainError {
  constructor(why: string) {
    super('unavailable', `the download of the dump was given up: ${why}`, { hint: 'download it over a faster line' });
  }
}
