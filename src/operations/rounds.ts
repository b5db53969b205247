import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../base/reason-of.js';
import type { Log } from '../telemetry/log.js';

export interface RoundsOptions {
  /** What lies between the end of one round and the beginning of the next. */
  readonly everyMs: number;
  readonly round: () => Promise<unknown>;
  /** What to say of a round that failed; the next comes all the same. */
  readonly whenFailed: string;
  readonly log: Log;
}

/** Looks after something in rounds, one after the other, until it is stopped. */
export class Rounds {
  private readonly stopping = new AbortController();
  private going: Promise<void> = Promise.resolve();

  constructor(private readonly options: RoundsOptions) {}

  start(): void {
    this.going = this.go(this.stopping.signal);
  }

  /** Waits for the round that is under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.going;
  }

  private async go(stopping: AbortSignal): Promise<void> {
    const { everyMs, round, whenFailed, log } = this.options;
    for (;;) {
      await pause(everyMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      await round().catch((error: unknown) => {
        log.warn({ reason: reasonOf(error) }, whenFailed);
      });
    }
  }
}
