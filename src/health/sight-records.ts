import { reasonOf } from '../base/reason-of.js';
import type { DatabaseSight } from '../databases/database-sight.js';
import type { Log } from '../telemetry/log.js';
import type { Metadata } from '../metadata/metadata.js';

/**
 * Records what a watcher sees, for those who ask how a database is. Only what looks different is written: a hundred
 * databases that are well cost nothing here, since the renewal of their leases says that they are still looked at.
 */
export class SightRecords {
  /** What was recorded last of each database. */
  private readonly recorded = new Map<string, string>();
  private readonly waiting = new Map<string, DatabaseSight>();
  private writing: Promise<void> | undefined;

  constructor(private readonly metadata: Metadata, private readonly worker: string, private readonly log: Log) {}

  note(id: string, sight: DatabaseSight): void {
    const text = JSON.stringify(sight);
    if (this.recorded.get(id) === text) return;
    this.recorded.set(id, text);
    this.waiting.set(id, sight);
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Who watches it next records what it sees. */
  forget(databaseId: string): void {
    this.recorded.delete(databaseId);
  }

  async settled(): Promise<void> {
    await this.writing;
  }

  /** What comes up while one batch is written goes into the next: a lost host is many databases at once. */
  private async write(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].map(([id, sight]) => ({ id, sight }));
      this.waiting.clear();
      try {
        await this.metadata.dataSource.query(
          `UPDATE watches w SET sight = s.sight, observed_at = clock_timestamp(),
                  sight_since = CASE WHEN w.sight -> 'streaming' = s.sight -> 'streaming' THEN w.sight_since ELSE clock_timestamp() END
             FROM jsonb_to_recordset($1) AS s(id text, sight jsonb)
            WHERE w.database_id = s.id AND w.worker = $2`, [JSON.stringify(batch), this.worker]);
      } catch (error) {
        for (const { id } of batch) this.recorded.delete(id);
        this.log.debug({ reason: reasonOf(error) }, 'what was seen could not be recorded: the next look tries again');
        return;
      }
    }
  }
}
