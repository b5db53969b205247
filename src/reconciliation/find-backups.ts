import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import { BackupEntity } from '../backups/sets/backup.entity.js';
import type { MetadataBackupRecords } from '../backups/sets/backup-records.js';
import type { BackupsPort } from '../engine/backups-port.js';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { type BackupsReconciliation, reconcileBackups, type RecordedCopy, type SiteCatalogue } from './reconcile-backups.js';

/** Each is a program that reads a site. */
const LISTS_AT_ONCE = 4;
const LIST_TIMEOUT_MS = 30_000;

/** What the sites' catalogues say of the databases' backups beyond what is recorded. */
export interface FoundBackups {
  readonly decisions: ReadonlyMap<string, BackupsReconciliation>;
  /** Sites that did not answer: what is recorded of them stays as it is. */
  readonly silentSites: readonly string[];
}

/** Asks every site for its catalogue of each database's backups. */
export async function findBackups(
  metadata: Metadata, records: MetadataBackupRecords, port: BackupsPort, databaseIds: readonly string[],
): Promise<FoundBackups> {
  const limit = pLimit(LISTS_AT_ONCE);
  const silentSites = new Set<string>();
  const decisions = await Promise.all(databaseIds.map(async (id): Promise<[string, BackupsReconciliation][]> => {
    const known = await records.readSet(id);
    if (!known) return [];
    const catalogues = await Promise.all(port.sites().map(({ id: site }) => limit(async (): Promise<SiteCatalogue[]> => {
      // A site that did not answer once is not asked for each of many databases.
      if (silentSites.has(site)) return [];
      try {
        return [{ site, backups: await port.list(known.set, site, AbortSignal.timeout(LIST_TIMEOUT_MS)) }];
      } catch {
        silentSites.add(site);
        return [];
      }
    })));
    return [[id, reconcileBackups(await readCopies(metadata, id), catalogues.flat())]];
  }));
  return { decisions: new Map(decisions.flat()), silentSites: [...silentSites] };
}

function readCopies(metadata: Metadata, databaseId: string): Promise<RecordedCopy[]> {
  return queryRows(metadata.dataSource.manager,
    `SELECT b.id AS "backupId", c.site, c.state, c.label
       FROM backups b JOIN backup_copies c ON c.backup_id = b.id WHERE b.database_id = $1`, [databaseId]);
}

/** Writes down what was found of one database's backups. */
export async function recordBackups(
  tx: EntityManager, records: MetadataBackupRecords, databaseId: string, { made, stored, gone }: BackupsReconciliation,
): Promise<void> {
  for (const { id, startedAt, finishedAt } of made) {
    await tx.query(
      `INSERT INTO backups (id, database_id, reason, requested_at, started_at, finished_at)
       VALUES ($1, $2, 'scheduled', $3, $3, $4) ON CONFLICT DO NOTHING`,
      [id, databaseId, startedAt, finishedAt]);
  }
  for (const { backupId, site, backup } of stored) {
    await tx.query('INSERT INTO backup_copies (backup_id, site) VALUES ($1, $2) ON CONFLICT DO NOTHING', [backupId, site]);
    await records.setStored(tx, backupId, site, backup);
    // Whoever chooses what is kept chooses again.
    await tx.update(BackupEntity, { id: backupId }, { expiredAt: null });
  }
  for (const { backupId, site } of gone) await records.setCopyExpired(tx, backupId, site);
  await tx.query(
    `UPDATE backups b SET expired_at = clock_timestamp(), kept_as = NULL WHERE database_id = $1 AND expired_at IS NULL
        AND EXISTS (SELECT FROM backup_copies c WHERE c.backup_id = b.id)
        AND NOT EXISTS (SELECT FROM backup_copies c WHERE c.backup_id = b.id AND c.state <> 'expired')`,
    [databaseId]);
}
