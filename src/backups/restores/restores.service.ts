import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Asker } from '../../changes/caller.js';
import type { Credentials, DatabaseDocument } from '../../databases/database.schemas.js';
import { DatabasesService } from '../../databases/databases.service.js';
import { DatabaseNotAvailableError } from '../../databases/database-errors.js';
import type { OperationDocument } from '../../operations/operation.js';
import { OperationsService } from '../../operations/operations.service.js';
import { BackupNotStoredError, RestoreOutOfRangeError, TimeUndoneError } from '../sets/backup-errors.js';
import { MetadataBackupRecords } from '../sets/backup-records.js';
import { BackupsService } from '../sets/backups.service.js';
import { listRestoreTargets, rangeOf, type Wanted } from './choose-restore-source.js';
import { RESTORE } from './operations/restore.operation.js';
import { RESTORE_IN_PLACE } from './operations/restore-in-place.operation.js';
import { changeOf } from '../../databases/change-of.js';

export interface RestoreRequest {
  readonly database: DatabaseDocument;
  readonly wanted: Wanted;
  readonly asker: Asker;
}

/** A site, and its newest backup of a database. */
export interface RestoreSource {
  readonly site: string;
  readonly backupId: string;
  readonly backedUpAt: string;
  readonly sizeBytes: number | null;
}

const NAME_LENGTH = 40;

/** Asks for databases to be restored from their backups. */
@Injectable()
export class RestoresService {
  constructor(
    private readonly databases: DatabasesService,
    private readonly backups: BackupsService,
    private readonly records: MetadataBackupRecords,
    private readonly operations: OperationsService,
  ) {}

  /**
   * Into a new database of the same customer, region, plan, locale and allow-list.
   *
   * @throws RestoreOutOfRangeError, BackupNotStoredError, and what the making of a database throws
   */
  async restoreIntoNew(
    tx: EntityManager, { database, wanted, asker }: RestoreRequest, name: string | undefined,
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument; credentials: Credentials }> {
    await this.requireSource(database, wanted);
    return this.databases.create(
      tx, {
        asker, customerId: database.customerId, region: database.region, plan: database.plan,
        locale: { provider: database.provider, name: database.locale }, name: name ?? nameCopy(database.name),
        allowList: await this.databases.readAllowList(tx, database.id),
      },
      {
        kind: RESTORE, input: { sourceId: database.id, wanted: toInput(wanted) },
        // Policies, schemas and grants in it name its owner.
        names: { database: database.endpoint.database, user: database.endpoint.user },
      });
  }

  /** @throws RestoreOutOfRangeError, BackupNotStoredError, DatabaseNotAvailableError, OperationInTheWayError */
  async restoreInPlace(
    tx: EntityManager, { database, wanted, asker }: RestoreRequest,
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument }> {
    if (database.deletedAt !== null) {
      throw new DatabaseNotAvailableError(database.state, 'is brought back by an undelete, or restored into a new database');
    }
    await this.requireSource(database, wanted);
    const operation = await this.operations.request(tx, changeOf(RESTORE_IN_PLACE, database, { wanted: toInput(wanted) }, asker));
    return { database: await this.databases.reread(tx, database.id), operation };
  }

  /**
   * A database whose every instance is lost, as it was last archived; without anything to cut off there is nobody to ask.
   *
   * @throws BackupNotStoredError, OperationInTheWayError
   */
  async restoreLost(tx: EntityManager, database: DatabaseDocument, asker: Asker): Promise<OperationDocument> {
    await this.requireTargets(database, { time: 'latest' });
    return this.operations.request(tx, changeOf(RESTORE_IN_PLACE, database, { wanted: { time: 'latest' } }, asker));
  }

  /** What a restore to the latest state would begin with; null if there is nothing. */
  async findNewest(databaseId: string): Promise<RestoreSource | null> {
    const [known, stored] = await Promise.all([this.records.readSet(databaseId), this.records.readStored(databaseId)]);
    const from = known && { region: known.set.region, archive: { sites: known.archiveSites, since: known.archiveSince } };
    const [target] = listRestoreTargets({ time: 'latest' }, stored, this.backups.port.sites(), from);
    if (!target || !('site' in target)) return null;
    const newest = stored.find(({ copies }) => copies.some(({ site }) => site === target.site));
    return newest
      ? { site: target.site, backupId: newest.id, backedUpAt: newest.finishedAt.toISOString(), sizeBytes: newest.sizeBytes }
      : null;
  }

  /** A deleted database as it was when it was deleted, under its own name or another one. */
  async undelete(
    tx: EntityManager, { database, asker }: Omit<RestoreRequest, 'wanted'>, name?: string,
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument }> {
    if (database.deletedAt !== null) await this.requireTargets(database, { time: 'latest' });
    return this.databases.undelete(tx, { id: database.id, asker, ...(name !== undefined && { name }) }, {
      kind: RESTORE, input: { sourceId: database.id, wanted: { time: 'latest' } },
    });
  }

  private async requireSource(database: DatabaseDocument, wanted: Wanted): Promise<void> {
    if ('time' in wanted && wanted.time !== 'latest') {
      const end = database.deletedAt === null ? new Date() : new Date(database.deletedAt);
      const range = rangeOf(await this.records.readStored(database.id), this.backups.port.sites(), end);
      if (!range || wanted.time < range.from || wanted.time > range.to) throw new RestoreOutOfRangeError(wanted.time, range);
      const undone = (await this.records.readUndone(database.id, RESTORE_IN_PLACE))
        .find(({ from, to }) => wanted.time > from && wanted.time < to);
      if (undone) throw new TimeUndoneError(wanted.time, undone);
    }
    await this.requireTargets(database, wanted);
  }

  private async requireTargets(database: DatabaseDocument, wanted: Wanted): Promise<void> {
    const targets = listRestoreTargets(wanted, await this.records.readStored(database.id), this.backups.port.sites());
    if (targets.length > 0) return;
    throw new BackupNotStoredError('backupId' in wanted
      ? `backup ${wanted.backupId} has no copy that is stored`
      : `no backup of ${database.name} is stored`);
  }
}

const toInput = (wanted: Wanted): object => ('time' in wanted && wanted.time !== 'latest' ? { time: wanted.time.toISOString() } : wanted);

/** As much of the name as there is room for beside the minute at which it was asked for. */
function nameCopy(name: string): string {
  const minute = new Date().toISOString().slice(0, 16).replaceAll(/\D/g, '');
  return `${name.slice(0, NAME_LENGTH - minute.length - 1)}-${minute}`;
}
