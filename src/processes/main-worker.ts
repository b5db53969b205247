import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FleetService } from '../fleet/fleet.service.js';
import { runProcess } from './run-process.js';
import { startWorker } from './start-worker.js';
import { WorkerModule } from './worker.module.js';

/** The process that acts: it runs operations, and starts again what has died. Several may run. */
runProcess('worker', async (ground) => {
  const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'] });
  await app.get(FleetService).recordInventory();
  const worker = startWorker(app);
  ground.log.info('worker started');
  return async () => {
    await worker.stop();
    await app.close();
  };
});
