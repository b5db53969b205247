import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, Not } from 'typeorm';
import { Vault } from '../../secrets/vault.js';
import { DatabaseEntity } from '../../databases/database.entity.js';
import type { BackupsOfDeleted } from '../../databases/decide-deletion.js';
import type { BackupSet, BackupSite, StoredBackup } from '../../engine/backups-port.js';
import { newId } from '../../metadata/ids.js';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { openAlert } from '../../operations/alerts.js';
import { BackupCopyEntity, type CopyState } from './backup-copy.entity.js';
import { BackupSetEntity } from './backup-set.entity.js';
import { BackupEntity, type BackupReason } from './backup.entity.js';
import type { KeptAs } from './choose-kept-backups.js';
import type { StoredCopies } from '../restores/choose-restore-source.js';
import { BackupSiteEntity } from '../sites/backup-site.entity.js';
import { ClockReadingEntity } from '../sites/clock-reading.entity.js';
import type { ClockReading } from '../sites/judge-clock.js';

export interface CopyRecord {
  readonly site: string;
  readonly state: CopyState;
  /** The backup's name in the site's own catalogue; null until it is stored. */
  readonly label: string | null;
  readonly error: string | null;
  /** As a proof found it. */
  readonly damaged: boolean;
}

export interface BackupRecord {
  readonly id: string;
  readonly databaseId: string;
  readonly reason: BackupReason;
  readonly copies: readonly CopyRecord[];
}

/** A site whose copy did not restore though another one's did, and why. */
export interface PassedOver {
  readonly site: string;
  readonly reason: string;
}

/** Whose backups they are, and how the database archives at present. */
export interface BackupSetRecord {
  readonly set: BackupSet;
  readonly archiveSites: readonly string[];
  readonly archiveEpoch: number;
  readonly archiveSince: Date;
}

/** What operations read and write of backups; each write takes the transaction that records the step (protocol rule 2). */
export interface BackupRecords<Tx> {
  /** Undefined for a database that has none, or whose key was destroyed. */
  readSet(databaseId: string): Promise<BackupSetRecord | undefined>;
  read(backupId: string): Promise<BackupRecord>;
  /** As the site was when it was looked at last; a site that never was is taken for well. */
  readSite(site: string): Promise<{ readonly usable: boolean; readonly reason: string | null }>;
  /** @param hasHole whether a restore needs a backup that begins after this moment: somebody archives who did not before */
  setArchive(
    tx: Tx, databaseId: string, archive: { readonly sites: readonly string[]; readonly epoch: number; readonly hasHole: boolean },
  ): Promise<void>;
  setStored(tx: Tx, backupId: string, site: string, stored: StoredBackup): Promise<void>;
  setCopyFailed(tx: Tx, backupId: string, site: string, error: string): Promise<void>;
  setCopyExpired(tx: Tx, backupId: string, site: string): Promise<void>;
  setFinished(tx: Tx, backupId: string): Promise<void>;
  setExpired(tx: Tx, backupId: string): Promise<void>;
  setProved(tx: Tx, backupId: string, proof: { readonly site: string }): Promise<void>;
  /** The copy stays where it is: it may be the best that there is. */
  setDamaged(tx: Tx, databaseId: string, backupId: string, site: string, damage: string): Promise<void>;
  /** The backups that have a copy, of a database that is there or was deleted. */
  readStored(databaseId: string): Promise<readonly StoredCopies[]>;
  /** A restored primary is another one than before: what archives and backs up has to look at it again. */
  raiseEpoch(tx: Tx, databaseId: string): Promise<void>;
  /** Tells operators of the sites whose copy did not restore though another one's did. */
  tellPassedOver(tx: Tx, databaseId: string, passedOver: readonly PassedOver[]): Promise<void>;
  /** Takes back that a deleted database was to be brought back. */
  setDeletedAgain(
    tx: Tx, databaseId: string, deleted: { readonly name?: string | undefined; readonly deletedAt: string; readonly purgeAt: string },
  ): Promise<void>;
  /** Erases the key, and with it every copy. */
  setPurged(tx: Tx, databaseId: string): Promise<void>;
}

/** Records in the metadata database. */
@Injectable()
export class MetadataBackupRecords implements BackupRecords<EntityManager> {
  constructor(private readonly metadata: Metadata, private readonly vault: Vault) {}

  async readSite(site: string): Promise<{ readonly usable: boolean; readonly reason: string | null }> {
    return (await this.metadata.dataSource.manager.findOneBy(BackupSiteEntity, { id: site })) ?? { usable: true, reason: null };
  }

  async readSet(databaseId: string): Promise<BackupSetRecord | undefined> {
    const [row] = await queryRows<SetRow>(this.metadata.dataSource.manager,
      `SELECT d.id, d.region_id AS region, d.unix_account AS account, d.endpoint_database AS name, d.endpoint_user AS owner,
              s.sealed_key AS "sealedKey", s.archive_sites AS "archiveSites",
              s.archive_epoch AS "archiveEpoch", s.archive_since AS "archiveSince"
         FROM backup_sets s JOIN databases d ON d.id = s.database_id WHERE d.id = $1 AND s.sealed_key IS NOT NULL`, [databaseId]);
    if (!row) return undefined;
    const { id, region, account, name, owner, sealedKey, archiveSites, archiveEpoch, archiveSince } = row;
    const key = this.vault.unseal(sealedKey, keyOwner(databaseId)).toString();
    return { set: { databaseId: id, region, account, name, owner, key }, archiveSites, archiveEpoch, archiveSince };
  }

  async read(backupId: string): Promise<BackupRecord> {
    const [row] = await queryRows<BackupRecord>(this.metadata.dataSource.manager,
      `SELECT b.id, b.database_id AS "databaseId", b.reason,
              (SELECT json_agg(json_build_object('site', site, 'state', state, 'label', label, 'error', error,
                                                 'damaged', damage IS NOT NULL) ORDER BY site)
                 FROM backup_copies WHERE backup_id = b.id) AS copies
         FROM backups b WHERE b.id = $1`, [backupId]);
    if (!row) throw new Error(`backup ${backupId} does not exist`);
    return row;
  }

  /** Makes the set of a database, with a key of its own; harmless if it has one. */
  async provideSet(tx: EntityManager, databaseId: string): Promise<void> {
    const key = randomBytes(32).toString('base64');
    await tx.query('INSERT INTO backup_sets (database_id, sealed_key) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      databaseId, this.vault.seal(key, keyOwner(databaseId)),
    ]);
  }

  /** Writes a backup down that is to be made, with a copy at each of the sites. */
  async create(tx: EntityManager, databaseId: string, reason: BackupReason, sites: readonly string[]): Promise<string> {
    const id = newId('backup');
    await tx.insert(BackupEntity, { id, databaseId, reason });
    await tx.insert(BackupCopyEntity, sites.map((site) => ({ backupId: id, site })));
    return id;
  }

  async setArchive(
    tx: EntityManager, databaseId: string,
    { sites, epoch, hasHole }: { readonly sites: readonly string[]; readonly epoch: number; readonly hasHole: boolean },
  ): Promise<void> {
    await tx.update(BackupSetEntity, { databaseId }, {
      archiveSites: [...sites], archiveEpoch: epoch, ...(hasHole && { archiveSince: () => 'clock_timestamp()' }),
    });
  }

  /**
   * A clock that went back has left times to come, before which no backup would count as newer than its archive: from now
   * on there may be a hole.
   */
  async leaveFuture(tx: EntityManager): Promise<void> {
    await tx.query('UPDATE backup_sets SET archive_since = now() WHERE archive_since > clock_timestamp()');
  }

  async readClockReading(tx: EntityManager): Promise<ClockReading | undefined> {
    return (await tx.findOneBy(ClockReadingEntity, { one: true })) ?? undefined;
  }

  async setClockReading(tx: EntityManager, { lookedAt, doubtedAt }: ClockReading): Promise<void> {
    await tx.upsert(ClockReadingEntity, { one: true, lookedAt, doubtedAt }, ['one']);
  }

  async setStored(tx: EntityManager, backupId: string, site: string, stored: StoredBackup): Promise<void> {
    const { label, storedBytes, frozenUntil, startedAt, databaseBytes } = stored;
    const copy = { state: 'stored', label, storedBytes, frozenUntil: frozenUntil ?? null, error: null } as const;
    await tx.update(BackupCopyEntity, { backupId, site }, copy);
    await tx.query(
      'UPDATE backups SET started_at = least(started_at, $2), size_bytes = $3 WHERE id = $1', [backupId, startedAt, databaseBytes],
    );
  }

  async setCopyFailed(tx: EntityManager, backupId: string, site: string, error: string): Promise<void> {
    await tx.update(BackupCopyEntity, { backupId, site, state: Not('stored') }, { state: 'failed', error });
  }

  async setCopyExpired(tx: EntityManager, backupId: string, site: string): Promise<void> {
    await tx.update(BackupCopyEntity, { backupId, site }, { state: 'expired' });
  }

  async setFinished(tx: EntityManager, backupId: string): Promise<void> {
    await tx.update(BackupEntity, { id: backupId }, { finishedAt: () => 'clock_timestamp()' });
  }

  async setExpired(tx: EntityManager, backupId: string): Promise<void> {
    await tx.update(BackupEntity, { id: backupId }, { expiredAt: () => 'clock_timestamp()', keptAs: null });
  }

  async setProved(tx: EntityManager, backupId: string, proof: { readonly site: string }): Promise<void> {
    await tx.update(BackupEntity, { id: backupId }, { provedAt: () => 'clock_timestamp()', proof });
    await tx.update(BackupCopyEntity, { backupId, site: proof.site }, { damage: null, damagedAt: null });
  }

  async setDamaged(tx: EntityManager, databaseId: string, backupId: string, site: string, damage: string): Promise<void> {
    await tx.update(BackupCopyEntity, { backupId, site }, { damage, damagedAt: () => 'clock_timestamp()' });
    const message = `the copy of backup ${backupId} at ${site} is damaged: ${damage}; its other copies are tried, and a new backup is made`;
    await alertCopy(tx, databaseId, site, message);
  }

  async readStored(databaseId: string): Promise<readonly StoredCopies[]> {
    return queryRows<StoredCopies>(this.metadata.dataSource.manager,
      `SELECT b.id, b.finished_at AS "finishedAt", b.size_bytes::float8 AS "sizeBytes",
              json_agg(json_build_object('site', c.site, 'label', c.label, 'damaged', c.damage IS NOT NULL) ORDER BY c.site) AS copies
         FROM backups b JOIN backup_copies c ON c.backup_id = b.id AND c.state = 'stored'
        WHERE b.database_id = $1 AND b.finished_at IS NOT NULL AND b.expired_at IS NULL GROUP BY b.id ORDER BY b.id DESC`, [databaseId]);
  }

  /**
   * What a deletion has to know; a backup counts if a live site has it.
   *
   * @param backupKind the kind of the operations that make backups
   */
  async readOfDeleted(databaseId: string, sites: readonly BackupSite[], backupKind: string): Promise<BackupsOfDeleted> {
    const live = sites.filter(({ kind }) => kind === 'live').map(({ id }) => id);
    const [row] = await queryRows<BackupsOfDeleted>(this.metadata.dataSource.manager, SELECT_OF_DELETED, [databaseId, live, backupKind]);
    if (!row) throw new Error(`there is no database ${databaseId}`);
    return row;
  }

  /**
   * The stretches of time that restores in place have undone: what was written in them is not on the database's path any more.
   *
   * @param restoringKind the kind of those restores
   */
  async readUndone(databaseId: string, restoringKind: string): Promise<readonly { readonly from: Date; readonly to: Date }[]> {
    return queryRows(this.metadata.dataSource.manager,
      `SELECT coalesce((o.input -> 'wanted' ->> 'time')::timestamptz, b.finished_at) AS "from", o.finished_at AS "to"
         FROM operations o LEFT JOIN backups b ON b.id = o.input -> 'wanted' ->> 'backupId'
        WHERE o.subject_id = $1 AND o.kind = $2 AND o.state = 'succeeded' AND o.input -> 'wanted' ->> 'time' IS DISTINCT FROM 'latest'`,
      [databaseId, restoringKind]);
  }

  async raiseEpoch(tx: EntityManager, databaseId: string): Promise<void> {
    await tx.update(DatabaseEntity, { id: databaseId }, { epoch: () => 'epoch + 1' });
  }

  async tellPassedOver(tx: EntityManager, databaseId: string, passedOver: readonly PassedOver[]): Promise<void> {
    for (const { site, reason } of passedOver) {
      const message = `the copy at ${site} did not restore, and another one was used: ${reason}`;
      await alertCopy(tx, databaseId, site, message);
    }
  }

  /** Once a site has another copy that is newer than the alert. */
  async resolvePassedOver(): Promise<void> {
    await this.metadata.dataSource.query(
      `UPDATE alerts a SET resolved_at = clock_timestamp() WHERE a.resolved_at IS NULL AND a.kind = 'copy'
          AND EXISTS (SELECT FROM backups b JOIN backup_copies c ON c.backup_id = b.id AND c.state = 'stored'
                       WHERE b.database_id = a.subject_id AND a.key = 'copy:' || b.database_id || ':' || c.site
                         AND b.started_at > a.opened_at)`);
  }

  async setDeletedAgain(
    tx: EntityManager, databaseId: string,
    { name, deletedAt, purgeAt }: { readonly name?: string | undefined; readonly deletedAt: string; readonly purgeAt: string },
  ): Promise<void> {
    await tx.query(
      `UPDATE databases SET name = coalesce($4, name), deleted_at = $2, purge_at = $3, sealed_secrets = NULL, sealed_volume_key = NULL,
              in_sync = '{}' WHERE id = $1`,
      [databaseId, deletedAt, purgeAt, name ?? null],
    );
  }

  async setPurged(tx: EntityManager, databaseId: string): Promise<void> {
    await tx.update(BackupSetEntity, { databaseId, purgedAt: IsNull() }, { sealedKey: null, purgedAt: () => 'now()' });
    await tx.update(BackupEntity, { databaseId, expiredAt: IsNull() }, { expiredAt: () => 'now()', keptAs: null });
    await tx.query(
      `UPDATE backup_copies SET state = 'expired' WHERE backup_id IN (SELECT id FROM backups WHERE database_id = $1)`, [databaseId],
    );
  }

  async setKeptAs(tx: EntityManager, slots: ReadonlyMap<string, KeptAs | null>): Promise<void> {
    await tx.query(
      `UPDATE backups b SET kept_as = k.value FROM jsonb_each_text($1) AS k WHERE b.id = k.key AND b.kept_as IS DISTINCT FROM k.value`,
      [JSON.stringify(Object.fromEntries(slots))]);
  }
}

/**
 * A backup holds all of it if it was asked for since the archive is whole, and the present primary archives WAL to a site that
 * has the backup; a copy that a proof found damaged does not count.
 */
const SELECT_OF_DELETED = `
  WITH stored AS (
    SELECT b.id,
           b.requested_at >= s.archive_since AND s.archive_epoch = d.epoch AND c.site = ANY (s.archive_sites) AND c.damage IS NULL AS whole
      FROM databases d JOIN backup_sets s ON s.database_id = d.id
      JOIN backups b ON b.database_id = d.id JOIN backup_copies c ON c.backup_id = b.id
     WHERE d.id = $1 AND s.sealed_key IS NOT NULL AND b.finished_at IS NOT NULL AND b.expired_at IS NULL
       AND c.state = 'stored' AND c.site = ANY ($2))
  SELECT d.provisioned_at IS NOT NULL AS provisioned,
         (SELECT max(id) FROM stored) AS stored, (SELECT max(id) FROM stored WHERE whole) AS whole,
         EXISTS (SELECT FROM operations o WHERE o.subject_id = d.id AND o.kind = $3 AND o.state IN ('pending', 'running')) AS "underWay",
         coalesce((SELECT cardinality(archive_sites) > 0 AND archive_epoch = d.epoch
                     FROM backup_sets WHERE database_id = d.id), false) AS archived,
         (SELECT string_agg(concat_ws(': ', id, reason), '; ' ORDER BY id) FROM backup_sites WHERE id = ANY ($2) AND NOT usable
          HAVING count(*) = cardinality($2::text[])) AS "noSite"
    FROM databases d WHERE d.id = $1`;

interface SetRow {
  readonly id: string;
  readonly region: string;
  readonly account: number;
  readonly name: string;
  readonly owner: string;
  readonly sealedKey: Buffer;
  readonly archiveSites: string[];
  readonly archiveEpoch: number;
  readonly archiveSince: Date;
}

/** The database that a sealed key belongs to: a key that was moved to another database's row does not open. */
/** To whom the sealed key of a database's backups belongs. */
export const keyOwner = (databaseId: string): string => `${databaseId}/backups`;

async function alertCopy(tx: EntityManager, databaseId: string, site: string, message: string): Promise<void> {
  await openAlert(tx, {
    key: `copy:${databaseId}:${site}`, kind: 'copy', severity: 'critical', subjectId: databaseId, operationId: null, message,
    action: 'required',
    advice: 'look at the disk of that site: what else it stores may be damaged too; the next backup makes a new copy there',
  });
}
