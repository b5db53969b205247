import type { Meaning } from '../../operations/traits.js';
import type { BackupReason } from './backup.entity.js';
import { latestBackupTime, spread } from './choose-backup-time.js';
import { BACK_UP } from './operations/back-up.operation.js';
import { EXPIRE_BACKUPS } from './operations/expire-backups.operation.js';
import { PROVE_BACKUP } from './operations/prove-backup.operation.js';
import { SET_ARCHIVE } from './operations/set-archive.operation.js';

/** The newest backup of a database, finished or not. */
export interface NewestBackup {
  readonly requestedAt: Date;
  readonly finishedAt: Date | null;
  /** Sites at which it has no copy though it is finished. */
  readonly missingSites: readonly string[];
  /** Whether a proof has found a copy of it damaged. */
  readonly damaged: boolean;
}

/** A backup that is stored and not proved yet. */
export interface UnprovedBackup {
  readonly id: string;
  readonly finishedAt: Date;
  readonly sites: readonly string[];
  /** When a proof last found a copy of it damaged; that copy is none of its sites. */
  readonly damagedAt: Date | null;
}

/** What the keeper of backups knows of a database. */
export interface BackupFacts {
  readonly databaseId: string;
  readonly timeZone: string;
  readonly epoch: number;
  /** How it archives as far as is recorded; null for a database that has no backup set yet. */
  readonly archive: { readonly sites: readonly string[]; readonly epoch: number; readonly since: Date } | null;
  readonly newest: NewestBackup | null;
  readonly unproved: readonly UnprovedBackup[];
  /** Backups that no slot keeps any more. */
  readonly outlived: readonly string[];
  /** Whether it is being deleted, which waits for a backup that holds all of it. */
  readonly isDeleted: boolean;
  /** The operations that run on it. */
  readonly running: readonly Meaning[];
  /** When an operation of each kind last failed. */
  readonly failedAt: Readonly<Record<string, Date | undefined>>;
  /** Whether its hosts are busy with as many backups as they may be. */
  readonly hostsAreBusy: boolean;
  /** The live sites that can be used now. */
  readonly usableSites: readonly string[];
}

/** What to ask for. */
export type BackupCare =
  | { readonly ask: typeof SET_ARCHIVE; readonly sites: readonly string[] }
  | { readonly ask: typeof BACK_UP; readonly reason: BackupReason }
  | { readonly ask: typeof EXPIRE_BACKUPS; readonly backupIds: readonly string[] }
  | { readonly ask: typeof PROVE_BACKUP; readonly backupId: string; readonly site: string };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long after a failure the same is asked for again. */
const AGAIN_AFTER_MS = {
  [SET_ARCHIVE]: 5_000, [BACK_UP]: 5 * MINUTE_MS, [EXPIRE_BACKUPS]: 10 * MINUTE_MS, [PROVE_BACKUP]: HOUR_MS,
} as const;
/** Backups are proved within a day, each at its own hour; the promise is a week. */
const PROVED_WITHIN_MS = 24 * HOUR_MS;
/** What was recorded in one transaction. */
const SAME_MOMENT_MS = 1_000;

/** Decides what a database's backups need now. */
export function decideBackupCare(facts: BackupFacts, now: Date): BackupCare[] {
  const { archive, epoch, usableSites } = facts;
  if (facts.running.some(isUnsettling)) return [];
  const running = new Set(facts.running.map(({ kind }) => kind));
  const may = (kind: keyof typeof AGAIN_AFTER_MS): boolean =>
    !running.has(kind) && now.getTime() - (facts.failedAt[kind]?.getTime() ?? 0) >= AGAIN_AFTER_MS[kind];
  const care: BackupCare[] = [];
  if (!archive || archive.epoch !== epoch || !isSame(archive.sites, usableSites)) {
    if (may(SET_ARCHIVE)) care.push({ ask: SET_ARCHIVE, sites: usableSites });
  } else if (usableSites.length > 0 && !running.has(BACK_UP) && !facts.hostsAreBusy) {
    const reason = reasonToBackUp(facts, archive.since, now);
    if (reason && (may(BACK_UP) || reason === 'hole')) care.push({ ask: BACK_UP, reason });
  }
  if (facts.isDeleted) return care;
  if (facts.outlived.length > 0 && may(EXPIRE_BACKUPS)) care.push({ ask: EXPIRE_BACKUPS, backupIds: facts.outlived });
  const due = facts.unproved.find((backup) =>
    backup.damagedAt !== null || now.getTime() - backup.finishedAt.getTime() >= spread(backup.id) * PROVED_WITHIN_MS);
  const sites = due?.sites.filter((site) => usableSites.includes(site)) ?? [];
  // Another site each time, so that in the long run the copies at all of them are tried.
  const site = sites[Math.floor(spread(`${due?.id} ${now.toISOString().slice(0, 13)}`) * sites.length)];
  const mayProve = due && (may(PROVE_BACKUP) || (!running.has(PROVE_BACKUP) && failedForDamage(due, facts)));
  if (mayProve && site !== undefined) care.push({ ask: PROVE_BACKUP, backupId: due.id, site });
  return care;
}

/**
 * Whether an operation takes the primary away, or has not made it yet: what is asked of it now would fail. A deletion leaves
 * the primary alone while it waits for a backup, and a switchover until it begins.
 */
const isUnsettling = ({ primary, hasBegun, awaitsBackup }: Meaning): boolean => primary !== undefined && hasBegun && !awaitsBackup;

/** Whether the proof that failed last did so because a copy is damaged: another site is tried at once. */
function failedForDamage({ damagedAt }: UnprovedBackup, { failedAt }: BackupFacts): boolean {
  const failed = failedAt[PROVE_BACKUP];
  return damagedAt !== null && failed !== undefined && Math.abs(failed.getTime() - damagedAt.getTime()) < SAME_MOMENT_MS;
}

function reasonToBackUp(
  { databaseId, timeZone, newest, usableSites }: BackupFacts, archivedSince: Date, now: Date,
): BackupReason | undefined {
  if (!newest) return 'first';
  // No backup was asked for since the archive is whole again: a backup that failed tells nothing of it, even if it ended later.
  if (newest.requestedAt < archivedSince) return 'hole';
  if (newest.requestedAt < latestBackupTime(databaseId, timeZone, now)) return 'scheduled';
  return newest.damaged || newest.missingSites.some((site) => usableSites.includes(site)) ? 'retry' : undefined;
}

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((item) => b.includes(item));
