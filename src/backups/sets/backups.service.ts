import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Asker } from '../../changes/caller.js';
import { ENGINE } from '../../engine/engine-token.js';
import type { BackupsPort } from '../../engine/backups-port.js';
import type { Engine } from '../../engine/ports.js';
import { withFullRights } from '../../metadata/confine.js';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import type { Reach } from '../../metadata/reach.js';
import { writeSelect } from '../../metadata/select.js';
import type { OperationDocument } from '../../operations/operation.js';
import { OperationsService } from '../../operations/operations.service.js';
import { readDocument } from '../../operations/postgres-store.js';
import type { BackupDocument, BackupPolicyDocument } from './backup.schemas.js';
import { MetadataBackupRecords } from './backup-records.js';
import type { BackupReason } from './backup.entity.js';
import { BackupNotStoredError, NoBackupsError } from './backup-errors.js';
import { spread } from './choose-backup-time.js';
import { chooseKeptBackups } from './choose-kept-backups.js';
import { BACK_UP } from './operations/back-up.operation.js';
import { PROVE_BACKUP } from './operations/prove-backup.operation.js';
import { changeOf } from '../../databases/change-of.js';

const DAY_MS = 86_400_000;
/** Older days than this change nothing any more. */
const POLICY_DAYS = 200;

export interface BackupRequest {
  readonly database: { readonly id: string; readonly customerId: string };
  readonly reason: BackupReason;
  readonly asker: Asker;
}

/** Backups of databases: what there is, and requests for more. */
@Injectable()
export class BackupsService {
  constructor(
    private readonly metadata: Metadata,
    private readonly operations: OperationsService,
    private readonly records: MetadataBackupRecords,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  /** @throws NoBackupsError where the data plane keeps none */
  get port(): BackupsPort {
    if (!this.engine.backups) throw new NoBackupsError();
    return this.engine.backups;
  }

  /** Backups of a database that have a copy, or are to have one; newest first. */
  async list(
    reach: Reach,
    filter: { readonly databaseId: string; readonly id?: string | undefined; readonly before?: string | undefined; readonly limit: number },
  ): Promise<BackupDocument[]> {
    const rows = await this.metadata.select<BackupRow>(reach, writeSelect(
      SELECT_BACKUPS, { 'b.database_id = ?': filter.databaseId, 'b.id = ?': filter.id, 'b.id < ?': filter.before }, reach, 'd.customer_id',
      'AND b.expired_at IS NULL ORDER BY b.id DESC LIMIT ?', filter.limit));
    return rows.map(documentOf);
  }

  /** Asks for a backup now; asked again while one is made, answers with that. */
  async request(tx: EntityManager, { database, reason, asker }: BackupRequest): Promise<OperationDocument> {
    const running = await this.lockAndFind(tx, database.id, BACK_UP);
    if (running) return running;
    await withFullRights(tx, () => this.records.provideSet(tx, database.id));
    const backupId = await this.records.create(tx, database.id, reason, this.port.sites().map(({ id }) => id));
    return this.operations.request(tx, changeOf(BACK_UP, database, { backupId }, asker));
  }

  /**
   * Asks for a backup to be proved, from the site that the caller names or from any that has a copy. Answers with the proof of
   * the database that is under way, if there is one: a drill takes up a host, and the queue that all databases' proofs have.
   *
   * @throws BackupNotStoredError if no live site has one
   */
  async requestProof(
    tx: EntityManager,
    request: {
      readonly database: { readonly id: string; readonly customerId: string; readonly region: string };
      readonly backupId: string;
      readonly site?: string;
      readonly asker: Asker;
    },
  ): Promise<OperationDocument> {
    const { database, backupId, asker } = request;
    const running = await this.lockAndFind(tx, database.id, PROVE_BACKUP);
    if (running) return running;
    const { copies } = await this.records.read(backupId);
    const live = this.port.sites().filter(({ kind }) => kind === 'live').map(({ id }) => id);
    const stored = copies.filter(({ site, state, damaged }) => state === 'stored' && !damaged && live.includes(site))
      .map(({ site }) => site);
    const site = request.site ?? stored[Math.floor(spread(`${backupId} ${Date.now()}`) * stored.length)];
    if (site === undefined) throw new BackupNotStoredError(`backup ${backupId} has no copy at a live site`);
    const host = await withFullRights(tx, () => this.chooseHost(tx, database.region));
    return this.operations.request(tx, changeOf(PROVE_BACKUP, database, { backupId, site, host }, asker));
  }

  /** The operation of a kind that is under way for a database; until the transaction ends nobody else can ask for one. */
  private async lockAndFind(tx: EntityManager, databaseId: string, kind: string): Promise<OperationDocument | undefined> {
    await tx.query('SELECT FROM databases WHERE id = $1 FOR NO KEY UPDATE', [databaseId]);
    const [running] = await queryRows<{ id: string }>(
      tx, `SELECT id FROM operations WHERE subject_id = $1 AND kind = $2 AND state IN ('pending', 'running')`, [databaseId, kind],
    );
    return running && await readDocument(tx, running.id);
  }

  /** The host of the region with the fewest instances: a restored copy is there for a short while. */
  private async chooseHost(tx: EntityManager, region: string): Promise<string> {
    const [host] = await queryRows<{ id: string }>(tx,
      `SELECT h.id FROM hosts h JOIN data_centers c ON c.id = h.data_center_id LEFT JOIN instances i ON i.host_id = h.id
        WHERE c.region_id = $1 AND h.state = 'active' GROUP BY h.id ORDER BY count(i.id), h.id LIMIT 1`, [region]);
    if (!host) throw new Error(`region ${region} has no active host`);
    return host.id;
  }

  /** Which days' backups exist on a day, of a database that was backed up on each day until then. */
  policy(on: string): BackupPolicyDocument {
    const today = new Date(`${on}T00:00:00Z`);
    const days = Array.from({ length: POLICY_DAYS }, (_, age) => new Date(today.getTime() - age * DAY_MS));
    const { keep } = chooseKeptBackups(days.map((startedAt) => ({ id: toDay(startedAt), startedAt, proved: false })), today);
    const as = (slot: string): string[] => [...keep].flatMap(([day, kept]) => (kept === slot ? [day] : [])).sort().reverse();
    return { on, daily: as('daily'), weekly: as('weekly'), monthly: as('monthly'), sites: this.port.sites().map((site) => ({ ...site })) };
  }
}

const toDay = (time: Date): string => time.toISOString().slice(0, 10);

interface BackupRow {
  readonly id: string;
  readonly databaseId: string;
  readonly reason: BackupDocument['reason'];
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly sizeBytes: string | null;
  readonly provedAt: Date | null;
  readonly keptAs: BackupDocument['keptAs'];
  readonly proofRemarks: BackupDocument['proofRemarks'];
  readonly copies: BackupDocument['copies'];
}

function documentOf({ sizeBytes, startedAt, finishedAt, provedAt, copies, ...row }: BackupRow): BackupDocument {
  return {
    ...row, kind: 'full', sizeBytes: sizeBytes === null ? null : Number(sizeBytes), startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt?.toISOString() ?? null, provedAt: provedAt?.toISOString() ?? null,
    copies: copies.map((copy) => ({ ...copy, frozenUntil: copy.frozenUntil === null ? null : new Date(copy.frozenUntil).toISOString() })),
  };
}

const SELECT_BACKUPS = `
  SELECT b.id, b.database_id AS "databaseId", b.reason, b.started_at AS "startedAt", b.finished_at AS "finishedAt",
         b.size_bytes AS "sizeBytes",
         b.proved_at AS "provedAt", coalesce(b.proof -> 'remarks', '[]') AS "proofRemarks", b.kept_as AS "keptAs",
         (SELECT json_agg(json_build_object('site', site, 'state', state, 'storedBytes', stored_bytes, 'frozenUntil', frozen_until,
                                            'error', error, 'damage', damage) ORDER BY site)
            FROM backup_copies c WHERE c.backup_id = b.id) AS copies
    FROM backups b JOIN databases d ON d.id = b.database_id`;
