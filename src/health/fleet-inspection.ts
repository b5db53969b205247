import pLimit from 'p-limit';
import type { Log } from '../telemetry/log.js';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { openAlert, resolveAlerts } from '../operations/alerts.js';
import { Rounds } from '../operations/rounds.js';
import type { DatabaseWatch } from './database-watch.js';
import { STORAGE_KINDS } from './storage-records.js';
import { type DatabaseSigns, judgeSigns, measureLags, type OpenAlert, SIGN_KINDS, type SignLimits } from './judge-signs.js';

/** Databases that are inspected side by side; a database that hangs takes {@link ANSWER_MS}. */
const AT_ONCE = 8;
const ANSWER_MS = 2_000;

export interface FleetInspectionOptions {
  readonly metadata: Metadata;
  readonly limits: SignLimits;
  readonly everyMs: number;
  readonly watches: () => Iterable<DatabaseWatch>;
  readonly log: Log;
}

/** Inspects what goes wrong slowly in the databases that this worker watches; records lags, opens alerts and closes them. */
export class FleetInspection {
  private readonly rounds: Rounds;
  /** What was over its limit at the last inspection and is told if it stays so, by database. */
  private readonly suspected = new Map<string, ReadonlySet<string>>();

  constructor(private readonly options: FleetInspectionOptions) {
    const { everyMs, log } = options;
    this.rounds = new Rounds({ everyMs, round: () => this.inspect(), whenFailed: 'what was inspected could not be recorded', log });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private async inspect(): Promise<void> {
    const limit = pLimit(AT_ONCE);
    const seen = await Promise.all([...this.options.watches()].map((watch) => limit(() => watch.inspect(ANSWER_MS))));
    const signs = seen.filter((one) => one !== undefined);
    await this.recordLags(signs);
    await this.recordAlerts(signs);
  }

  private async recordLags(signs: readonly DatabaseSigns[]): Promise<void> {
    const lags = signs.flatMap(measureLags);
    if (lags.length === 0) return;
    await this.options.metadata.dataSource.query(
      `UPDATE instances i SET lag_bytes = l."lagBytes", lag_seconds = l."lagSeconds"
         FROM json_to_recordset($1) AS l(id text, "lagBytes" bigint, "lagSeconds" float)
        WHERE i.id = l.id AND (i.lag_bytes, i.lag_seconds) IS DISTINCT FROM (l."lagBytes", l."lagSeconds")`, [JSON.stringify(lags)]);
  }

  private async recordAlerts(signs: readonly DatabaseSigns[]): Promise<void> {
    const { metadata, limits, log } = this.options;
    const open = await queryRows<OpenAlert>(metadata.dataSource.manager,
      'SELECT key, severity, action, subject_id AS "subjectId" FROM alerts WHERE resolved_at IS NULL AND kind = ANY($1)', [SIGN_KINDS]);
    for (const database of signs) {
      const { raise, resolve, suspected } = judgeSigns(database, limits, open, this.suspected.get(database.databaseId));
      this.suspected.set(database.databaseId, new Set(suspected));
      if (raise.length === 0 && resolve.length === 0) continue;
      for (const { key, severity, message } of raise) log.warn({ databaseId: database.databaseId, alert: key, severity }, message);
      await metadata.transaction(async (tx) => {
        for (const alert of raise) await openAlert(tx, { ...alert, operationId: null });
        await resolveAlerts(tx, resolve);
      });
    }
    await this.resolveOrphans();
  }

  /** Resolves the alerts about databases and hosts that are gone: they are not inspected any more, so nothing else does. */
  private async resolveOrphans(): Promise<void> {
    await this.options.metadata.dataSource.query(
      `UPDATE alerts SET resolved_at = clock_timestamp() WHERE resolved_at IS NULL AND kind = ANY($1) AND subject_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM databases d WHERE d.id = subject_id AND d.deleted_at IS NULL)
          AND NOT EXISTS (SELECT FROM instances i WHERE i.host_id = subject_id)`, [[...SIGN_KINDS, ...STORAGE_KINDS, 'primary']]);
  }
}
