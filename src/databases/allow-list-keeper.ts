import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import { systemCaller } from '../changes/caller.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { AllowListRequests } from './allow-list.requests.js';
import { AllowListsService } from './allow-lists.service.js';

const LOOK_MS = 5_000;
const KEEPER = systemCaller('allow-lists');

/**
 * Asks for allow-lists to be told to the endpoints where a failover ended the operation between the record and the endpoint. Several
 * workers may do so; the first that asks is the one.
 */
@RunsInWorker
@Injectable()
export class AllowListKeeper implements Duty {
  private readonly rounds: Rounds;

  constructor(
    private readonly lists: AllowListsService, private readonly requests: AllowListRequests, @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({ everyMs: LOOK_MS, round: () => this.look(), whenFailed: 'allow-lists could not be looked after', log });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private async look(): Promise<void> {
    for (const databaseId of await this.lists.listUnenforced()) {
      try {
        await this.requests.enforce(KEEPER, databaseId);
      } catch (error) {
        this.log.warn({ databaseId, reason: reasonOf(error) }, 'its allow-list could not be enforced yet');
      }
    }
  }
}
