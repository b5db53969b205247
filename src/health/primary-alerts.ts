import { reasonOf } from '../base/reason-of.js';
import type { Log } from '../telemetry/log.js';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { openAlert, resolveAlerts } from '../operations/alerts.js';
import { type RunningChange, runningChange } from '../operations/running-change.js';
import type { Meaning } from '../operations/traits.js';
import type { WatchedDatabase } from './database-watch.js';
import type { Verdict } from './judge-primary.js';
import {
  advise, NOTHING_TOLD, type PrimaryAlertMemory, type PrimaryAlertStep, type PrimaryTrouble, settlePrimaryAlert,
} from './settle-primary-alert.js';

/** Raises alerts about primaries, and resolves them. */
export class PrimaryAlerts {
  private readonly memories = new Map<string, PrimaryAlertMemory>();
  /** What is being recorded of each database. */
  private readonly recording = new Map<string, Promise<void>>();

  constructor(
    private readonly metadata: Metadata,
    private readonly meaningOf: (change: RunningChange) => Meaning,
    private readonly log: Log,
  ) {}

  /** Takes a verdict into account. Clients do not wait until people are told. */
  take(database: WatchedDatabase, verdict: Verdict): void {
    const { id, automationPaused } = database;
    const trouble = verdict.verdict === 'well' ? undefined : { ...verdict, automationPaused };
    const { memory, step } = settlePrimaryAlert(this.memories.get(id) ?? NOTHING_TOLD, trouble, performance.now());
    this.memories.set(id, memory);
    if (step.act === 'nothing' || this.recording.has(id)) return;
    const recorded = this.record(id, step, trouble).catch((error: unknown) => {
      this.log.warn({ databaseId: id, reason: reasonOf(error) }, 'alert could not be recorded');
    }).finally(() => this.recording.delete(id));
    this.recording.set(id, recorded);
  }

  /** The next watcher of the database raises and resolves its alerts. */
  forget(databaseId: string): void {
    this.memories.delete(databaseId);
  }

  async settled(): Promise<void> {
    await Promise.all(this.recording.values());
  }

  private async record(
    id: string, step: Exclude<PrimaryAlertStep, { act: 'nothing' }>, trouble: PrimaryTrouble | undefined,
  ): Promise<void> {
    const key = `primary:${id}`;
    if (step.act === 'raise' && trouble) {
      if (await this.isTakenAway(id)) return;
      const message = `the primary of database ${id} is ${describe(trouble)}`;
      await this.metadata.transaction((tx) => openAlert(tx, {
        key, kind: 'primary', severity: 'critical', subjectId: id, operationId: null, message, ...advise(trouble),
      }));
      this.remember(id, step.told);
    } else {
      await this.metadata.transaction((tx) => resolveAlerts(tx, [key]));
      this.remember(id, null);
    }
  }

  private remember(id: string, told: string | null): void {
    const memory = this.memories.get(id);
    if (memory) this.memories.set(id, { ...memory, told });
  }

  /** Whether the primary is gone because an operation ended it on purpose: nobody has to be told. */
  private async isTakenAway(id: string): Promise<boolean> {
    const [row] = await queryRows<{ deleted: boolean; change: RunningChange | null }>(this.metadata.dataSource.manager,
      `SELECT d.deleted_at IS NOT NULL AS deleted, ${runningChange('d.id')} AS change
         FROM databases d WHERE d.id = $1`, [id]);
    if (!row || row.deleted) return true;
    const change = row.change && this.meaningOf(row.change);
    return change?.primary === 'ended' && change.hasBegun;
  }
}

const describe = ({ verdict, reason }: PrimaryTrouble): string =>
  (verdict === 'wait' ? `not answering: ${reason}` : `${verdict}: ${reason}`);
