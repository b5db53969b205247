import type { StoredBackup } from '../engine/backups-port.js';

/** A copy as the restored metadata has it. */
export interface RecordedCopy {
  readonly backupId: string;
  readonly site: string;
  readonly state: string;
  readonly label: string | null;
}

/** What a site has of a database's backups. */
export interface SiteCatalogue {
  readonly site: string;
  readonly backups: readonly StoredBackup[];
}

export interface BackupsReconciliation {
  /** Backups that were made since. */
  readonly made: readonly { readonly id: string; readonly startedAt: Date; readonly finishedAt: Date }[];
  /** Copies that are there and not recorded as stored. */
  readonly stored: readonly { readonly backupId: string; readonly site: string; readonly backup: StoredBackup }[];
  /** Copies that are recorded as stored and not there any more. */
  readonly gone: readonly { readonly backupId: string; readonly site: string }[];
}

/** Decides what the records of a database's backups become: the catalogues of the sites that answered are believed. */
export function reconcileBackups(recorded: readonly RecordedCopy[], catalogues: readonly SiteCatalogue[]): BackupsReconciliation {
  const known = new Set(recorded.map(({ backupId }) => backupId));
  // One without an id was made by somebody else's hand.
  const found = catalogues.flatMap(({ site, backups }) => backups.filter(({ backupId }) => backupId !== '')
    .map((backup) => ({ backupId: backup.backupId, site, backup })));
  const made = new Map<string, { id: string; startedAt: Date; finishedAt: Date }>();
  for (const { backupId, backup } of found) {
    if (known.has(backupId)) continue;
    const other = made.get(backupId) ?? { id: backupId, startedAt: backup.startedAt, finishedAt: backup.finishedAt };
    made.set(backupId, {
      id: backupId, startedAt: earlier(other.startedAt, backup.startedAt), finishedAt: later(other.finishedAt, backup.finishedAt),
    });
  }
  const isRecorded = (backupId: string, site: string, label: string): boolean =>
    recorded.some((copy) => copy.backupId === backupId && copy.site === site && copy.state === 'stored' && copy.label === label);
  const isThere = (copy: RecordedCopy): boolean => found.some(({ site, backup }) => site === copy.site && backup.label === copy.label);
  return {
    made: [...made.values()],
    stored: found.filter(({ backupId, site, backup }) => !isRecorded(backupId, site, backup.label)),
    gone: recorded
      .filter((copy) => copy.state === 'stored' && catalogues.some(({ site }) => site === copy.site) && !isThere(copy))
      .map(({ backupId, site }) => ({ backupId, site })),
  };
}

const earlier = (a: Date, b: Date): Date => (a < b ? a : b);
const later = (a: Date, b: Date): Date => (a > b ? a : b);
