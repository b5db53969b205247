import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { DatabaseNotAvailableError } from '../../databases/database-errors.js';
import type { DatabaseDocument } from '../../databases/database.schemas.js';
import { MetadataDatabaseRecords, primaryOf } from '../../databases/database-records.js';
import { TooManyDumpsError } from '../sets/backup-errors.js';
import { BackupsService } from '../sets/backups.service.js';
import { DUMPS_AT_ONCE, DumpSlots } from './dump-slots.js';
import { type DownloadLimits, LEAST_BYTES } from './judge-download.js';

/** Dumps of the live data, streamed to the client that asks and kept nowhere. */
@Injectable()
export class DumpsService {
  /** Of every download. */
  readonly limits: DownloadLimits;

  constructor(
    private readonly backups: BackupsService,
    private readonly databases: MetadataDatabaseRecords,
    private readonly slots: DumpSlots,
    @Inject(SETTINGS) { FREEHOLD_DUMP_STALL_SECONDS, FREEHOLD_DUMP_TOTAL_SECONDS }: Settings,
  ) {
    this.limits = { stallMs: FREEHOLD_DUMP_STALL_SECONDS * 1_000, leastBytes: LEAST_BYTES, totalMs: FREEHOLD_DUMP_TOTAL_SECONDS * 1_000 };
  }

  /**
   * Begins a dump of the primary, of the endpoint's database unless another one is named, and answers once its first bytes are
   * there. The signal ends it.
   *
   * On a standby it would be cut off by DDL on the primary (`TRUNCATE`, `ALTER TABLE`, `REFRESH MATERIALIZED VIEW`), or hold up
   * the replay of it, which a failover would have to wait for; and unlogged tables are empty there.
   *
   * @throws TooManyDumpsError, DatabaseNotAvailableError, and what the engine throws before the first byte
   */
  async open(database: DatabaseDocument, signal: AbortSignal, name?: string): Promise<Readable> {
    const giveBack = await this.slots.take(database.id);
    if (!giveBack) throw new TooManyDumpsError(DUMPS_AT_ONCE);
    try {
      const stream = await this.begin(database, signal, name);
      stream.once('close', () => void giveBack());
      return stream;
    } catch (error) {
      await giveBack();
      throw error;
    }
  }

  /** @throws DatabaseNotAvailableError for a database that is deleted or was not made yet */
  requireDumpable({ state, deletedAt, postgresVersion }: DatabaseDocument): void {
    if (deletedAt !== null || postgresVersion === null) throw new DatabaseNotAvailableError(state);
  }

  private async begin(database: DatabaseDocument, signal: AbortSignal, name?: string): Promise<Readable> {
    this.requireDumpable(database);
    const primary = primaryOf(await this.databases.read(database.id));
    const stream = await this.backups.port.dump(primary.ref, signal, name);
    await Promise.race([once(stream, 'readable'), once(stream, 'end')]);
    return stream;
  }
}
