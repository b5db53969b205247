import { DiscoveryService } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { findDuties } from '../operations/duty.js';

export interface RunningWorker {
  /** Lets every operation go at the end of its present step, or soon, and stops watching. */
  stop(): Promise<void>;
}

/** Starts all that the modules of an application do by themselves. */
export function startWorker(app: INestApplicationContext): RunningWorker {
  const duties = findDuties(app.get(DiscoveryService));
  for (const duty of duties) duty.start();
  return {
    async stop() {
      await Promise.all(duties.map((duty) => duty.stop()));
    },
  };
}
