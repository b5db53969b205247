import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import { systemCaller } from '../changes/caller.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { DatabaseRequests } from './database.requests.js';
import { DatabasesService } from './databases.service.js';

const LOOK_MS = 5_000;
const KEEPER = systemCaller('passwords');

/**
 * Asks for the end of older passwords whose time is over. PostgreSQL has refused them since that moment; what is left to do is to let
 * the owner's name go with the newest one. Several workers may do so; the first that asks is the one.
 */
@RunsInWorker
@Injectable()
export class PasswordKeeper implements Duty {
  private readonly rounds: Rounds;

  constructor(
    private readonly databases: DatabasesService, private readonly requests: DatabaseRequests, @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({ everyMs: LOOK_MS, round: () => this.look(), whenFailed: 'passwords could not be looked after', log });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private async look(): Promise<void> {
    for (const databaseId of await this.databases.listEndedOverlaps()) {
      try {
        await this.requests.endOverlap(KEEPER, databaseId);
      } catch (error) {
        this.log.warn({ databaseId, reason: reasonOf(error) }, 'its older password could not be ended yet');
      }
    }
  }
}
