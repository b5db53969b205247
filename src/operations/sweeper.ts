import type { EntityManager } from 'typeorm';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { openAlert } from './alerts.js';
import type { Duty } from './duty.js';
import type { OperationQueues } from './operation-queues.js';
import { Rounds } from './rounds.js';
import type { RunResult, RunnerLog } from './runner.js';
import type { DueOperation, OperationStore } from './store.js';

/** How often the sweeper looks: the longest that a lost wake-up can delay an operation, with {@link ENQUEUED_MS}. */
const SWEEP_MS = 500;
/** How long a wake-up is trusted before it is sent again. */
const ENQUEUED_MS = 2_000;
const DUE_AT_ONCE = 50;
/** Operations that run in this process while Redis cannot be reached. */
const OWN_RUNS_AT_ONCE = 4;
/** The time for which an operation keeps the secret that it was given (`design.md`, 3.4). */
const SEALED_HOURS = 24;

export interface SweeperOptions {
  readonly store: OperationStore<EntityManager>;
  readonly metadata: Metadata;
  readonly queues: OperationQueues;
  readonly runner: { run(operationId: string): Promise<RunResult> };
  readonly log: RunnerLog;
}

/**
 * Finds operations that are due and that nobody was told of: after a crash between commit and enqueue, after a worker's
 * death, or after Redis lost everything. While Redis cannot be reached at all it runs them itself, failovers first.
 */
export class Sweeper implements Duty {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly rounds: Rounds;

  constructor(private readonly options: SweeperOptions) {
    const { log } = options;
    this.rounds = new Rounds({ everyMs: SWEEP_MS, beginsAtOnce: true, round: () => this.sweep(), whenFailed: 'sweep failed', log });
  }

  start(): void {
    this.rounds.start();
  }

  async sweep(): Promise<void> {
    const { store } = this.options;
    for (const operation of await store.takeDue(DUE_AT_ONCE, ENQUEUED_MS)) await this.wake(operation);
    await this.alertBreachedDeadlines();
    await this.eraseSecrets();
  }

  private async wake(operation: DueOperation): Promise<void> {
    if (await this.options.queues.enqueue(operation, 0)) return;
    // A failover does not wait for a place.
    if (this.running.has(operation.id) || (this.running.size >= OWN_RUNS_AT_ONCE && operation.queue !== 'failover')) return;
    this.options.log.warn({ operationId: operation.id }, 'redis cannot be reached: the sweeper runs the operation itself');
    const run = this.options.runner.run(operation.id).catch(() => undefined).finally(() => this.running.delete(operation.id));
    this.running.set(operation.id, run);
  }

  private async alertBreachedDeadlines(): Promise<void> {
    await this.options.metadata.transaction(async (tx) => {
      const breached = await queryRows<{ key: string; id: string; subject_id: string | null; message: string }>(tx,
        `SELECT 'step:' || id AS key, id, subject_id, format('%s has been at "%s" for longer than it may', kind, step) AS message
           FROM operations WHERE state = 'running' AND step_deadline_at < now()
         UNION ALL
         SELECT 'operation:' || id, id, subject_id, format('%s takes longer than it may; it is at "%s"', kind, step)
           FROM operations WHERE state IN ('pending', 'running') AND deadline_at < now()`);
      for (const row of breached) {
        await openAlert(tx, {
          key: row.key, kind: 'deadline-breached', severity: 'warning', subjectId: row.subject_id, operationId: row.id,
          message: row.message,
          action: 'none', advice: 'it goes on by itself; if this stays, look at its steps, and cancel or retry it',
        });
      }
    });
  }

  private async eraseSecrets(): Promise<void> {
    await this.options.metadata.transaction((tx) => tx.query(
      'UPDATE operations SET sealed = NULL WHERE sealed IS NOT NULL AND created_at < now() - make_interval(hours => $1)', [SEALED_HOURS]));
  }

  /** Stops looking, and waits for what runs in this process. */
  async stop(): Promise<void> {
    await this.rounds.stop();
    await Promise.all(this.running.values());
  }
}
