import type { EntityManager } from 'typeorm';
import { queryRows } from '../../metadata/query-rows.js';
import type { OperationsService } from '../../operations/operations.service.js';
import { isRunningChange, type RunningChange } from '../../operations/running-change.js';
import { chooseKeptBackups, type Retention } from './choose-kept-backups.js';
import type { BackupCare, BackupFacts, NewestBackup, UnprovedBackup } from './decide-backup-care.js';
import { BACK_UP } from './operations/back-up.operation.js';
import { EXPIRE_BACKUPS } from './operations/expire-backups.operation.js';
import { PROVE_BACKUP } from './operations/prove-backup.operation.js';
import { PURGE_BACKUPS } from './operations/purge-backups.operation.js';
import { SET_ARCHIVE } from './operations/set-archive.operation.js';

/** Backups that may read from, or write to, one host at once. */
const BACKUPS_A_HOST = 2;

/** What is asked for again, some time after it failed. */
const ASKED_AGAIN: readonly BackupCare['ask'][] = [SET_ARCHIVE, BACK_UP, EXPIRE_BACKUPS, PROVE_BACKUP];

/** A database whose backups are looked after, with what its records say. */
export interface KeptDatabase extends Omit<BackupFacts, 'outlived' | 'usableSites'> {
  readonly customerId: string;
  readonly region: string;
  /** Backups that have a copy. */
  readonly stored: number;
}

/** What time it is where everything is recorded. */
export async function readClock(tx: EntityManager): Promise<Date> {
  const [row] = await queryRows<{ now: Date }>(tx, 'SELECT clock_timestamp() AS now');
  if (!row) throw new Error('the metadata database does not tell the time');
  return row.now;
}

/** Every database whose backups are looked after: those that are there and whose automation is not paused, or that are being deleted. */
export async function readKeptDatabases(tx: EntityManager, operations: OperationsService): Promise<KeptDatabase[]> {
  const rows = await queryRows<FactsRow>(tx, SELECT_FACTS, [BACKUPS_A_HOST, BACK_UP, operations.kindsFor('deletion'), ASKED_AGAIN]);
  return rows.map(({ running, archive, newest, unproved, failedAt, ...row }) => ({
    ...row,
    running: (running ?? []).map((operation) => operations.meaningOf(operation)),
    isDeleted: running?.some(({ kind }) => operations.purposeOf(kind) === 'deletion') ?? false,
    archive: archive && { ...archive, since: new Date(archive.since) },
    newest: newest && {
      ...newest, requestedAt: new Date(newest.requestedAt), finishedAt: newest.finishedAt === null ? null : new Date(newest.finishedAt),
    },
    unproved: (unproved ?? []).map((backup) => ({
      ...backup, finishedAt: new Date(backup.finishedAt), damagedAt: backup.damagedAt === null ? null : new Date(backup.damagedAt),
    })),
    failedAt: Object.fromEntries(Object.entries(failedAt ?? {}).map(([kind, at]) => [kind, new Date(at)])),
  }));
}

/** What stays of a database's backups, and what no slot keeps any more. */
export async function readOutlived(tx: EntityManager, databaseId: string, now: Date): Promise<Retention> {
  const stored = await queryRows<{ id: string; startedAt: Date; proved: boolean }>(tx,
    `SELECT id, started_at AS "startedAt", proved_at IS NOT NULL AS proved FROM backups
      WHERE database_id = $1 AND expired_at IS NULL AND started_at IS NOT NULL AND finished_at IS NOT NULL`, [databaseId]);
  return chooseKeptBackups(stored, now);
}

/** Deleted databases whose backups have outlived them long enough. */
export function readPurgeable(tx: EntityManager): Promise<{ id: string; customerId: string }[]> {
  return queryRows(tx,
    `SELECT d.id, d.customer_id AS "customerId" FROM databases d JOIN backup_sets s ON s.database_id = d.id
      WHERE d.purge_at <= now() AND s.purged_at IS NULL
        AND NOT EXISTS (SELECT FROM operations o WHERE o.subject_id = d.id AND o.kind = $1 AND o.state IN ('pending', 'running'))`,
    [PURGE_BACKUPS]);
}

/** Times inside documents that PostgreSQL makes are texts. */
type Texts<Item> = {
  readonly [Key in keyof Item]: Item[Key] extends Date ? string : Item[Key] extends Date | null ? string | null : Item[Key];
};

interface FactsRow extends Omit<KeptDatabase, 'running' | 'isDeleted' | 'archive' | 'newest' | 'unproved' | 'failedAt'> {
  readonly running: readonly RunningChange[] | null;
  readonly archive: Texts<NonNullable<BackupFacts['archive']>> | null;
  readonly newest: Texts<NewestBackup> | null;
  readonly unproved: readonly Texts<UnprovedBackup>[] | null;
  readonly failedAt: Readonly<Record<string, string>> | null;
}

/** What is recorded of times to come, since a clock was ahead, tells neither that something was done nor that it failed. */
const SELECT_FACTS = `
  WITH busy_hosts AS (
    SELECT i.host_id FROM operations o JOIN instances i ON i.database_id = o.subject_id
     WHERE o.kind = $2 AND o.state IN ('pending', 'running') GROUP BY i.host_id HAVING count(*) >= $1)
  SELECT d.id AS "databaseId", d.customer_id AS "customerId", d.region_id AS region, r.time_zone AS "timeZone", d.epoch,
         CASE WHEN s.database_id IS NOT NULL
              THEN json_build_object('sites', s.archive_sites, 'epoch', s.archive_epoch, 'since', s.archive_since) END AS archive,
         (SELECT json_build_object('requestedAt', b.requested_at, 'finishedAt', b.finished_at, 'missingSites',
                 (SELECT coalesce(json_agg(c.site), '[]') FROM backup_copies c
                   WHERE c.backup_id = b.id AND c.state IN ('pending', 'failed') AND b.finished_at IS NOT NULL),
                 'damaged', EXISTS (SELECT FROM backup_copies c WHERE c.backup_id = b.id AND c.state = 'stored' AND c.damage IS NOT NULL))
            FROM backups b WHERE b.database_id = d.id AND b.requested_at <= clock_timestamp()
           ORDER BY b.requested_at DESC, b.id DESC LIMIT 1) AS newest,
         (SELECT json_agg(json_build_object('id', b.id, 'finishedAt', b.finished_at, 'sites',
                 (SELECT coalesce(json_agg(c.site), '[]') FROM backup_copies c
                   WHERE c.backup_id = b.id AND c.state = 'stored' AND c.damage IS NULL),
                 'damagedAt', (SELECT max(c.damaged_at) FROM backup_copies c WHERE c.backup_id = b.id)) ORDER BY b.id DESC)
            FROM backups b
           WHERE b.database_id = d.id AND b.finished_at IS NOT NULL AND b.started_at IS NOT NULL
             AND b.expired_at IS NULL AND b.proved_at IS NULL) AS unproved,
         (SELECT json_agg(json_build_object('kind', o.kind, 'step', o.step))
            FROM operations o WHERE o.subject_id = d.id AND o.state IN ('pending', 'running')) AS running,
         (SELECT json_object_agg(kind, at) FROM (
            SELECT o.kind, max(o.finished_at) AS at FROM operations o
             WHERE o.subject_id = d.id AND o.state = 'failed' AND o.finished_at <= clock_timestamp() AND o.kind = ANY ($4)
             GROUP BY o.kind) failed) AS "failedAt",
         EXISTS (SELECT FROM instances i WHERE i.database_id = d.id AND i.host_id IN (SELECT host_id FROM busy_hosts)) AS "hostsAreBusy",
         (SELECT count(*)::integer FROM backups b
           WHERE b.database_id = d.id AND b.started_at IS NOT NULL AND b.expired_at IS NULL) AS stored
    FROM databases d JOIN regions r ON r.id = d.region_id LEFT JOIN backup_sets s ON s.database_id = d.id
   WHERE d.provisioned_at IS NOT NULL AND d.deleted_at IS NULL
     AND (d.automation_paused IS NULL OR EXISTS (SELECT FROM operations o WHERE ${isRunningChange('o', 'd.id')} AND o.kind = ANY ($3)))
   ORDER BY d.id`;
