import { DomainError } from '../problems/domain-problem.js';

export class NoBackupsError extends DomainError {
  constructor() {
    super('unavailable', 'this data plane keeps no backups', { hint: 'see FREEHOLD_ENGINE' });
  }
}

export class BackupNotStoredError extends DomainError {
  constructor(backupId: string) {
    super('backup-not-stored', `backup ${backupId} has no copy at a live site`, { hint: 'choose one whose copies are stored' });
  }
}
