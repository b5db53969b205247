import { Inject, Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import { systemCaller } from '../../changes/caller.js';
import type { Done } from '../../changes/changes.js';
import type { OperationAnswer } from '../../databases/database.requests.js';
import type { Log } from '../../telemetry/log.js';
import { LOG } from '../../telemetry/log-token.js';
import type { Settings } from '../../config/settings.js';
import { SETTINGS } from '../../config/settings-token.js';
import { MetadataDatabaseRecords, primaryOf } from '../../databases/database-records.js';
import type { ArchiveObservation, BackupsPort } from '../../engine/backups-port.js';
import { ENGINE } from '../../engine/engine-token.js';
import type { Engine } from '../../engine/ports.js';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { openAlert, resolveAlerts } from '../../operations/alerts.js';
import { type Duty, RunsInWorker } from '../../operations/duty.js';
import type { OperationDocument } from '../../operations/operation.js';
import { OperationsService } from '../../operations/operations.service.js';
import { Rounds } from '../../operations/rounds.js';
import { MetadataBackupRecords } from './backup-records.js';
import { BackupRequests } from './backup.requests.js';
import { type KeptDatabase, readClock, readKeptDatabases, readOutlived, readPurgeable } from './backup-facts.js';
import { BackupSetEntity } from './backup-set.entity.js';
import { BackupSiteWatch } from '../sites/backup-site-watch.js';
import { decideBackupCare } from './decide-backup-care.js';
import { BACKUP_ALERT_KINDS, judgeBackupSigns } from './judge-backup-signs.js';
import { judgeClock } from '../sites/judge-clock.js';

const KEEPER = systemCaller('keeper');
/** Any number that no other user of advisory locks in this database takes. */
const KEEPER_LOCK = 7_203_115;
/** WAL that waits is looked at in every so many rounds: it is judged by minutes. */
const INSPECT_EVERY = 5;
const INSPECTIONS_AT_ONCE = 4;
const INSPECT_TIMEOUT_MS = 3_000;
const CLOCK_ALERT = 'clock';

/**
 * Looks after backups: which sites can be used, who archives where, what is to be backed up, proved and removed. It asks
 * for operations and changes nothing itself. Of several workers one does it: in each round the first to begin.
 */
@RunsInWorker
@Injectable()
export class BackupKeeper implements Duty {
  private rounds: Rounds | undefined;
  private looked = 0;

  constructor(
    private readonly metadata: Metadata,
    private readonly databases: MetadataDatabaseRecords,
    private readonly records: MetadataBackupRecords,
    private readonly requests: BackupRequests,
    private readonly sites: BackupSiteWatch,
    private readonly operations: OperationsService,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(LOG) private readonly log: Log,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  start(): void {
    const port = this.engine.backups;
    if (!port) return;
    this.rounds = new Rounds({
      everyMs: this.settings.FREEHOLD_BACKUPS_EVERY_MS, round: () => this.keep(port),
      whenFailed: 'backups could not be looked after in this round', log: this.log,
    });
    this.rounds.start();
  }

  async stop(): Promise<void> {
    await this.rounds?.stop();
  }

  /** One round. */
  async keep(port: BackupsPort): Promise<void> {
    const probed = await this.sites.probe(port);
    const asked = await this.metadata.transaction(async (tx) => {
      const [row] = await queryRows<{ mine: boolean }>(tx, 'SELECT pg_try_advisory_xact_lock($1) AS mine', [KEEPER_LOCK]);
      if (!row?.mine) return undefined;
      // By the clock by which it is all recorded: a worker's own may be another.
      const now = await readClock(tx);
      return this.ask(tx, await this.sites.record(tx, probed, now), now);
    });
    for (const operation of asked ?? []) await this.operations.announce(operation);
    if (asked && this.looked++ % INSPECT_EVERY === 0) await this.sites.tryThem(port, probed, await this.inspect(port));
  }

  private async ask(tx: EntityManager, usableSites: readonly string[], now: Date): Promise<OperationDocument[]> {
    await this.records.leaveFuture(tx);
    const asked: OperationDocument[] = [];
    const take = ({ body }: Done<OperationAnswer>): number => asked.push(body.operation);
    for (const database of await readKeptDatabases(tx, this.operations)) {
      const outlived = database.stored > 0 ? await this.chooseOutlived(tx, database, now) : [];
      const kept = { ...database, id: database.databaseId };
      for (const care of decideBackupCare({ ...database, outlived, usableSites }, now)) {
        take(await this.requests.care(tx, KEEPER, kept, care));
      }
    }
    for (const database of await this.choosePurged(tx, now)) take(await this.requests.purge(tx, KEEPER, database));
    return asked;
  }

  /** Nothing is destroyed for good by a clock that may be wrong. */
  private async choosePurged(tx: EntityManager, now: Date): Promise<readonly { id: string; customerId: string }[]> {
    const reading = judgeClock(await this.records.readClockReading(tx), now);
    await this.records.setClockReading(tx, reading);
    const purgeable = await readPurgeable(tx);
    if (reading.doubtedAt === null || purgeable.length === 0) {
      await resolveAlerts(tx, [CLOCK_ALERT]);
      return purgeable;
    }
    const message = `the clock jumped, or nobody looked for long, until ${reading.doubtedAt.toISOString()}: the backups of `
      + `${purgeable.length} deleted databases are kept for a day more`;
    await openAlert(tx, { key: CLOCK_ALERT, kind: CLOCK_ALERT, severity: 'warning', subjectId: null, operationId: null, message,
      action: 'none', advice: 'the backups are destroyed a day later than planned; look whether the clock of the metadata is right' });
    return [];
  }

  private async chooseOutlived(tx: EntityManager, { databaseId }: KeptDatabase, now: Date): Promise<readonly string[]> {
    const { keep, expire } = await readOutlived(tx, databaseId, now);
    await this.records.setKeptAs(tx, keep);
    return expire;
  }

  /**
   * Looks at the WAL that waits, and at what the records say of backups and proofs; opens alerts and closes them. Answers
   * with how many seconds the oldest WAL of any database waits.
   */
  private async inspect(port: BackupsPort): Promise<number> {
    const rows = await queryRows<SignsRow>(this.metadata.dataSource.manager, SELECT_SIGNS);
    const limit = pLimit(INSPECTIONS_AT_ONCE);
    const waiting = await Promise.all(rows.map((row) => limit(async () => {
      const archive = await this.observe(port, row.databaseId);
      if (archive?.droppedAt && archive.droppedAt > row.archiveSince && archive.droppedAt <= row.now) await this.noteHole(row);
      const { raise, resolve } = judgeBackupSigns({ ...row, archive: archive && { ...archive, sites: archive.sites.length } });
      await this.metadata.transaction(async (tx) => {
        for (const alert of raise) await openAlert(tx, alert);
        await resolveAlerts(tx, resolve);
      });
      return archive?.pendingSeconds ?? 0;
    })));
    await this.records.resolvePassedOver();
    await this.metadata.dataSource.query(
      `UPDATE alerts SET resolved_at = clock_timestamp() WHERE resolved_at IS NULL AND kind = ANY($1)
          AND NOT EXISTS (SELECT FROM databases d WHERE d.id = subject_id AND d.deleted_at IS NULL)`, [BACKUP_ALERT_KINDS]);
    return Math.max(0, ...waiting);
  }

  private async observe(port: BackupsPort, databaseId: string): Promise<ArchiveObservation | undefined> {
    try {
      return await port.observeArchive(primaryOf(await this.databases.read(databaseId)).ref, AbortSignal.timeout(INSPECT_TIMEOUT_MS));
    } catch {
      // A primary that is down is told of by its watcher.
      return undefined;
    }
  }

  /** WAL was given up: from here on a restore needs a backup that is newer. */
  private async noteHole({ databaseId }: SignsRow): Promise<void> {
    this.log.error({ databaseId }, 'wal was given up before it was archived: a full backup follows');
    await this.metadata.dataSource.manager.update(BackupSetEntity, { databaseId }, { archiveSince: () => 'clock_timestamp()' });
  }
}

interface SignsRow {
  readonly databaseId: string;
  readonly now: Date;
  readonly archiveSince: Date;
  readonly backupAgeSeconds: number;
  readonly proofAgeSeconds: number;
  readonly damage: string | null;
}

const SELECT_SIGNS = `
  SELECT d.id AS "databaseId", now() AS now, s.archive_since AS "archiveSince",
         extract(epoch FROM now() - coalesce(
           (SELECT max(b.started_at) FROM backups b
             WHERE b.database_id = d.id AND b.expired_at IS NULL AND b.started_at <= now()
               AND NOT EXISTS (SELECT FROM backup_copies c WHERE c.backup_id = b.id AND c.state <> 'stored')),
           d.provisioned_at))::float8 AS "backupAgeSeconds",
         extract(epoch FROM now() - coalesce(
           (SELECT max(b.started_at) FROM backups b
             WHERE b.database_id = d.id AND b.expired_at IS NULL AND b.started_at <= now() AND b.proved_at IS NOT NULL),
           d.provisioned_at))::float8 AS "proofAgeSeconds",
         (SELECT c.damage FROM backups b JOIN backup_copies c ON c.backup_id = b.id
           WHERE b.database_id = d.id AND b.expired_at IS NULL AND c.damaged_at <= now()
             AND NOT EXISTS (SELECT FROM backups p WHERE p.database_id = d.id AND p.proved_at > c.damaged_at)
           ORDER BY c.damaged_at DESC LIMIT 1) AS "damage"
    FROM databases d JOIN backup_sets s ON s.database_id = d.id
   WHERE d.provisioned_at IS NOT NULL AND d.deleted_at IS NULL`;
