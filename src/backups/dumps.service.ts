import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DatabaseNotAvailableError } from '../databases/database-errors.js';
import type { DatabaseDocument } from '../databases/database.schemas.js';
import { MetadataDatabaseRecords, primaryOf, standbyToRead } from '../databases/database-records.js';
import { TooManyDumpsError } from './backup-errors.js';
import type { InstanceRef } from '../engine/ports.js';
import { BackupsService } from './backups.service.js';
import { DUMPS_AT_ONCE, DumpSlots } from './dump-slots.js';

/** Dumps of the live data, streamed to whoever asks and kept nowhere. */
@Injectable()
export class DumpsService {
  constructor(private readonly backups: BackupsService, private readonly databases: MetadataDatabaseRecords, private readonly slots: DumpSlots) {}

  /**
   * Begins a dump, and answers once its first bytes are there; from a standby in sync where there is one and it
   * answers, so that the primary has no work with it. The signal ends it.
   *
   * @throws TooManyDumpsError, DatabaseNotAvailableError, and what the engine throws before the first byte
   */
  async open(database: DatabaseDocument, signal: AbortSignal): Promise<Readable> {
    const giveBack = await this.slots.take(database.id);
    if (!giveBack) throw new TooManyDumpsError(DUMPS_AT_ONCE);
    try {
      const stream = await this.begin(database, signal);
      stream.once('close', () => void giveBack());
      return stream;
    } catch (error) {
      await giveBack();
      throw error;
    }
  }

  /** @throws DatabaseNotAvailableError for one that is deleted or was not made yet */
  requireDumpable({ state, deletedAt, postgresVersion }: DatabaseDocument): void {
    if (deletedAt !== null || postgresVersion === null) throw new DatabaseNotAvailableError(state);
  }

  private async begin(database: DatabaseDocument, signal: AbortSignal): Promise<Readable> {
    this.requireDumpable(database);
    const record = await this.databases.read(database.id);
    const standby = standbyToRead(record);
    if (!standby) return this.beginAt(primaryOf(record).ref, signal);
    return this.beginAt(standby.ref, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      // A standby that has just died is not recorded so yet.
      return this.beginAt(primaryOf(record).ref, signal);
    });
  }

  private async beginAt(instance: InstanceRef, signal: AbortSignal): Promise<Readable> {
    const stream = await this.backups.port.dump(instance, signal);
    await Promise.race([once(stream, 'readable'), once(stream, 'end')]);
    return stream;
  }
}
