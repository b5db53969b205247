import { Inject, Injectable } from '@nestjs/common';
import type { Log } from '../config/log.js';
import { LOG } from '../config/log-token.js';
import { RelocationService } from './relocation.service.js';

/** How often it looks whether there is room for standbys that have lost their place. */
const LOOK_MS = 5_000;

/**
 * Asks for a new place for standbys that were lost with their hosts when no other host had room, as soon as one has: a
 * host that is used again, or a new one. Several workers may do so; the first that asks is the one.
 */
@Injectable()
export class RedundancyKeeper {
  private timer: NodeJS.Timeout | undefined;
  private keeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly relocation: RelocationService, @Inject(LOG) private readonly log: Log) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.keeping = this.relocation.rehouse().catch((error: unknown) => {
        this.log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'lost standbys could not be looked after in this round');
      });
      void this.keeping.finally(() => {
        if (!this.stopped) this.start();
      });
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.keeping;
  }
}
