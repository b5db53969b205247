import 'reflect-metadata';
import { hostname } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { openLog } from './config/log.js';
import { readSettings, SettingsError } from './config/settings.js';
import { FleetService } from './fleet/fleet.service.js';
import { GatewayWatch } from './health/gateway-watch.js';
import { Metadata } from './metadata/metadata.js';
import { closeGround, openGround } from './open-ground.js';
import { OperationWorkers } from './operations/operation-workers.js';
import { PostgresOperationStore } from './operations/postgres-store.js';
import { OperationRegistry } from './operations/registry.js';
import { OperationRunner } from './operations/runner.js';
import { sortError } from './operations/sort-error.js';
import { systemClock } from './operations/store.js';
import { Sweeper } from './operations/sweeper.js';
import { WorkerModule } from './worker.module.js';

/** The process that acts: it runs operations, and starts again what has died. Several may run. */
async function main(): Promise<void> {
  const settings = readSettings();
  const log = openLog(settings.FREEHOLD_LOG_LEVEL, 'worker');
  const ground = await openGround(settings, log);
  const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'] });
  await app.get(FleetService).recordInventory();

  const runner = new OperationRunner({
    store: app.get(PostgresOperationStore), registry: app.get(OperationRegistry), clock: systemClock,
    worker: `${hostname()}-${process.pid}-${Date.now()}`, leaseMs: settings.FREEHOLD_LEASE_MS, sortError, log,
    meter: { stepEnded: () => undefined, operationEnded: () => undefined },
  });
  const changes = settings.FREEHOLD_CHANGES_AT_ONCE;
  const workers = new OperationWorkers(settings.REDIS_URL, runner, ground.queues, { failover: 32, changes, bulk: 2 });
  const sweeper = new Sweeper({ store: app.get(PostgresOperationStore), metadata: app.get(Metadata), queues: ground.queues, runner, clock: systemClock, log });
  const watch = app.get(GatewayWatch);
  workers.start();
  sweeper.start();
  watch.start();
  log.info('worker started');

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    runner.stop();
    await Promise.all([workers.close(), sweeper.stop(), watch.stop()]);
    await app.close();
    await closeGround(ground);
    log.info('worker stopped');
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SettingsError ? error.message : (error as Error).stack ?? String(error)}\n`);
  process.exit(1);
});
