import { Inject, Injectable } from '@nestjs/common';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import { RelocationService } from './relocation.service.js';

/** How often it looks whether there is room for standbys that have lost their place. */
const LOOK_MS = 5_000;

/**
 * Asks for a new place for standbys that were lost with their hosts when no other host had room, as soon as one has: a
 * host that is used again, or a new one. Several workers may do so; the first that asks is the one.
 */
@RunsInWorker
@Injectable()
export class RedundancyKeeper implements Duty {
  private readonly rounds: Rounds;

  constructor(relocation: RelocationService, @Inject(LOG) log: Log) {
    this.rounds = new Rounds({
      everyMs: LOOK_MS, round: () => relocation.rehouse(), whenFailed: 'lost standbys could not be looked after in this round', log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }
}
