import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { askerOf, type Caller } from '../../changes/caller.js';
import { type Answered, Changes, type Done } from '../../changes/changes.js';
import { changeOf } from '../../databases/change-of.js';
import { DatabaseRequests, type OperationAnswer } from '../../databases/database.requests.js';
import { DatabaseNotAvailableError } from '../../databases/database-errors.js';
import { EVERYTHING } from '../../metadata/reach.js';
import type { Slice } from '../../metadata/slice.js';
import { OperationsService } from '../../operations/operations.service.js';
import { notFound } from '../../problems/problem.js';
import type { BackupReason } from './backup.entity.js';
import { MetadataBackupRecords } from './backup-records.js';
import type { BackupDocument } from './backup.schemas.js';
import { BackupsService } from './backups.service.js';
import type { BackupCare } from './decide-backup-care.js';
import { BACK_UP } from './operations/back-up.operation.js';
import { EXPIRE_BACKUPS } from './operations/expire-backups.operation.js';
import { PROVE_BACKUP } from './operations/prove-backup.operation.js';
import { PURGE_BACKUPS } from './operations/purge-backups.operation.js';
import { SET_ARCHIVE } from './operations/set-archive.operation.js';

/** A database whose backups are looked after. */
interface Kept {
  readonly id: string;
  readonly customerId: string;
  readonly region: string;
  readonly epoch: number;
}

/** What is asked of backups, by customers and by the keeper of backups. */
@Injectable()
export class BackupRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabaseRequests,
    private readonly backups: BackupsService,
    private readonly records: MetadataBackupRecords,
    private readonly operations: OperationsService,
  ) {}

  async list(
    caller: Caller, databaseId: string, slice: Slice,
  ): Promise<BackupDocument[]> {
    await this.changes.admitReader(caller, 'backup.list', this.databases.owned(databaseId));
    return this.backups.list(await this.changes.reachFor(caller, 'backup.list'), { databaseId, ...slice });
  }

  /** Asks for a backup now; while one is made, answers with that. */
  backUp(caller: Caller, id: string): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.back-up', subject: this.databases.document(id) }, async (tx, database) => {
      if (database.postgresVersion === null || database.deletedAt !== null) throw new DatabaseNotAvailableError(database.state);
      return this.askForBackup(tx, caller, database, 'requested');
    });
  }

  /** Asks for a backup to be proved now. */
  verify(caller: Caller, id: string, backupId: string): Promise<Answered<OperationAnswer>> {
    const input = { backupId };
    return this.changes.change(caller, { action: 'backup.verify', subject: this.databases.document(id), input }, async (tx, database) => {
      const [backup] = await this.backups.list(EVERYTHING, { databaseId: id, id: backupId, limit: 1 });
      if (!backup) throw notFound();
      const operation = await this.backups.requestProof(tx, { database, backupId, asker: askerOf(caller) });
      return { body: { operation }, operation, detail: input };
    });
  }

  /** Asks for what a database's backups need, within a round of their keeper. */
  care(tx: EntityManager, caller: Caller, kept: Kept, care: BackupCare): Promise<Done<OperationAnswer>> {
    const subject = { id: kept.id, find: () => Promise.resolve(kept), ownerOf: () => kept.customerId };
    switch (care.ask) {
      case SET_ARCHIVE:
        return this.changes.join(tx, caller, { action: 'database.set-archive', subject }, async () => {
          await this.records.provideSet(tx, kept.id);
          return this.ask(tx, caller, kept, SET_ARCHIVE, { sites: care.sites, epoch: kept.epoch });
        });
      case BACK_UP:
        return this.changes.join(
          tx, caller, { action: 'database.back-up', subject }, () => this.askForBackup(tx, caller, kept, care.reason),
        );
      case EXPIRE_BACKUPS:
        return this.changes.join(
          tx, caller, { action: 'backup.expire', subject }, () => this.ask(tx, caller, kept, EXPIRE_BACKUPS, { backupIds: care.backupIds }),
        );
      case PROVE_BACKUP:
        return this.changes.join(tx, caller, { action: 'backup.verify', subject }, async () => {
          const { backupId, site } = care;
          const operation = await this.backups.requestProof(tx, { database: kept, backupId, site, asker: askerOf(caller) });
          return { body: { operation }, operation, detail: { backupId, site } };
        });
    }
  }

  /** Asks for the backups of a deleted database to be destroyed, within a round of their keeper. */
  purge(tx: EntityManager, caller: Caller, database: Pick<Kept, 'id' | 'customerId'>): Promise<Done<OperationAnswer>> {
    const subject = { id: database.id, find: () => Promise.resolve(database), ownerOf: () => database.customerId };
    return this.changes.join(tx, caller, { action: 'backup.purge', subject }, () => this.ask(tx, caller, database, PURGE_BACKUPS, {}));
  }

  private async askForBackup(
    tx: EntityManager, caller: Caller, database: Pick<Kept, 'id' | 'customerId'>, reason: BackupReason,
  ): Promise<Done<OperationAnswer>> {
    const operation = await this.backups.request(tx, { database, reason, asker: askerOf(caller) });
    return { body: { operation }, operation, detail: { reason } };
  }

  private async ask(
    tx: EntityManager, caller: Caller, database: Pick<Kept, 'id' | 'customerId'>, kind: string, input: object,
  ): Promise<Done<OperationAnswer>> {
    const operation = await this.operations.request(tx, changeOf(kind, database, input, askerOf(caller)));
    return { body: { operation }, operation };
  }
}
