import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RESTORES_AT_ONCE } from '../config/restores-at-once.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { Metadata } from '../metadata/metadata.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import type { Tracing } from '../telemetry/tracing.js';
import { TRACING } from '../telemetry/tracing-token.js';
import { type Duty, RunsInWorker } from './duty.js';
import { OperationQueues } from './operation-queues.js';
import { OperationWorkers } from './operation-workers.js';
import { PostgresOperationStore } from './postgres-store.js';
import { OperationRegistry } from './registry.js';
import { OperationRunner } from './runner.js';
import { sortError } from './sort-error.js';
import { systemClock } from './store.js';
import { Sweeper } from './sweeper.js';

/** Failovers are never queued behind each other: losing a host is many at once. */
const FAILOVERS_AT_ONCE = 64;
const BULK_AT_ONCE = 2;
const PROOFS_AT_ONCE = 1;
/** How long steps at hand may take when the process is to stop. */
const FINISH_WITHIN_MS = 5_000;

/** Runs operations: those that a queue's worker is woken for, and those that the sweeper finds due. */
@RunsInWorker
@Injectable()
export class OperationDuty implements Duty {
  private readonly runner: OperationRunner<EntityManager>;
  private parts: readonly Duty[] = [];

  constructor(
    private readonly store: PostgresOperationStore,
    registry: OperationRegistry<EntityManager>,
    private readonly metadata: Metadata,
    private readonly queues: OperationQueues,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(LOG) private readonly log: Log,
    @Inject(TRACING) tracing: Tracing,
  ) {
    this.runner = new OperationRunner({
      store, registry, clock: systemClock, worker: `${hostname()}-${process.pid}-${randomUUID()}`,
      leaseMs: settings.FREEHOLD_LEASE_MS, sortError, log, tracing,
    });
  }

  start(): void {
    const { store, metadata, queues, runner, log, settings } = this;
    this.parts = [
      new OperationWorkers(settings.REDIS_URL, runner, queues, {
        failover: FAILOVERS_AT_ONCE, changes: settings.FREEHOLD_CHANGES_AT_ONCE, restores: RESTORES_AT_ONCE, bulk: BULK_AT_ONCE,
        proofs: PROOFS_AT_ONCE,
      }),
      new Sweeper({ store, metadata, queues, runner, log }),
    ];
    for (const part of this.parts) part.start();
  }

  /** Lets every operation go at the end of its present step, or soon. */
  async stop(): Promise<void> {
    this.runner.stop();
    const cut = setTimeout(() => this.runner.cutOff(), FINISH_WITHIN_MS);
    await Promise.all(this.parts.map((part) => part.stop()));
    clearTimeout(cut);
  }
}
