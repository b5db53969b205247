import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../base/reason-of.js';
import type { RunnerLog } from './runner.js';

export interface RoundsOptions {
  /** The time between the end of one round and the beginning of the next. */
  readonly everyMs: number | (() => number);
  /** Whether the first round begins with the start; otherwise it waits as the others do. */
  readonly beginsAtOnce?: boolean;
  readonly round: () => Promise<unknown>;
  /** What to say of a round that failed; the next comes all the same. */
  readonly whenFailed: string;
  readonly log: Pick<RunnerLog, 'warn'>;
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
    const { everyMs, beginsAtOnce = false } = this.options;
    if (beginsAtOnce) await this.take();
    for (;;) {
      await pause(typeof everyMs === 'number' ? everyMs : everyMs(), undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      await this.take();
    }
  }

  private async take(): Promise<void> {
    const { round, whenFailed, log } = this.options;
    try {
      await round();
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, whenFailed);
    }
  }
}
