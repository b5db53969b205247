import { Inject, Injectable } from '@nestjs/common';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import { Changes } from './changes.js';

const FORGET_EVERY_MS = 10 * 60_000;

/** Forgets the answers of changes whose idempotency keys are not remembered any more. */
@RunsInWorker
@Injectable()
export class IdempotencyKeeper implements Duty {
  private readonly rounds: Rounds;

  constructor(changes: Changes, @Inject(LOG) log: Log) {
    this.rounds = new Rounds({
      everyMs: FORGET_EVERY_MS, round: () => changes.forgetOld(), whenFailed: 'old idempotency records could not be deleted', log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }
}
