import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { openLog } from './config/log.js';
import { readSettings, SettingsError } from './config/settings.js';
import { FleetService } from './fleet/fleet.service.js';
import { closeGround, openGround } from './open-ground.js';
import { startWorker } from './start-worker.js';
import { WorkerModule } from './worker.module.js';

/** The process that acts: it runs operations, and starts again what has died. Several may run. */
async function main(): Promise<void> {
  const settings = readSettings();
  const log = openLog(settings.FREEHOLD_LOG_LEVEL, 'worker');
  const ground = await openGround(settings, log);
  const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'] });
  await app.get(FleetService).recordInventory();
  const worker = startWorker(app, ground);
  log.info('worker started');

  const stop = async (): Promise<void> => {
    await worker.stop();
    await app.close();
    await closeGround(ground);
    log.info('worker stopped');
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SettingsError ? error.message : (error as Error).stack ?? String(error)}\n`);
  process.exit(1);
});
