import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import type { Ground } from './control-plane.module.js';
import { BackupKeeper } from '../backups/sets/backup-keeper.js';
import { MetadataKeeper } from '../backups/metadata/metadata-keeper.js';
import { RESTORES_AT_ONCE } from '../config/restores-at-once.js';
import { FleetWatch } from '../health/fleet-watch.js';
import { GatewayWatch } from '../health/gateway-watch.js';
import { Metadata } from '../metadata/metadata.js';
import { OperationWorkers } from '../operations/operation-workers.js';
import { PostgresOperationStore } from '../operations/postgres-store.js';
import { OperationRegistry } from '../operations/registry.js';
import { OperationRunner } from '../operations/runner.js';
import { sortError } from '../operations/sort-error.js';
import { systemClock } from '../operations/store.js';
import { RedundancyKeeper } from '../relocation/redundancy-keeper.js';
import { Sweeper } from '../operations/sweeper.js';

/** Failovers are never queued behind each other: losing a host is many at once. */
const FAILOVERS_AT_ONCE = 64;
const BULK_AT_ONCE = 2;
const PROOFS_AT_ONCE = 1;
/** How long steps at hand may take when the process is to stop. */
const FINISH_WITHIN_MS = 5_000;

export interface RunningWorker {
  /** Lets every operation go at the end of its present step, or soon, and stops watching. */
  stop(): Promise<void>;
}

/** Starts all that acts by itself: the queues' workers, the sweeper and the watches. */
export function startWorker(app: INestApplicationContext, { settings, queues, log, tracing }: Ground): RunningWorker {
  const store = app.get(PostgresOperationStore);
  const runner = new OperationRunner({
    store, registry: app.get(OperationRegistry), clock: systemClock, worker: `${hostname()}-${process.pid}-${randomUUID()}`,
    leaseMs: settings.FREEHOLD_LEASE_MS, sortError, log, tracing,
  });
  const workers = new OperationWorkers(settings.REDIS_URL, runner, queues,
    { failover: FAILOVERS_AT_ONCE, changes: settings.FREEHOLD_CHANGES_AT_ONCE, restores: RESTORES_AT_ONCE, bulk: BULK_AT_ONCE, proofs: PROOFS_AT_ONCE });
  const sweeper = new Sweeper({ store, metadata: app.get(Metadata), queues, runner, clock: systemClock, log });
  const watches = [app.get(GatewayWatch), app.get(FleetWatch), app.get(BackupKeeper), app.get(MetadataKeeper), app.get(RedundancyKeeper)];
  workers.start();
  sweeper.start();
  for (const watch of watches) watch.start();
  return {
    async stop() {
      runner.stop();
      const cut = setTimeout(() => runner.cutOff(), FINISH_WITHIN_MS);
      await Promise.all([workers.close(), sweeper.stop(), ...watches.map((watch) => watch.stop())]);
      clearTimeout(cut);
    },
  };
}
