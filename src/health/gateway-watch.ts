import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import type { Log } from '../config/log.js';
import { LOG } from '../config/log-token.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';

/** How long a gateway may be dead before it is noticed. */
const LOOK_MS = 500;
/** The time that one look may take: a start, its wait included. */
const LOOK_TIMEOUT_MS = 10_000;

/** Starts a region's gateway again when it has died. */
@Injectable()
export class GatewayWatch {
  private readonly stopped = new AbortController();
  private watches: Promise<void>[] = [];

  constructor(@Inject(ENGINE) private readonly engine: Engine, @Inject(LOG) private readonly log: Log) {}

  start(): void {
    this.watches = this.engine.inventory().map(({ id }) => this.watch(id));
  }

  private async watch(region: string): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        const { started } = await this.engine.gateway.keep(region, AbortSignal.timeout(LOOK_TIMEOUT_MS));
        if (started.length > 0) this.log.warn({ region, started }, 'gateway started');
      } catch (error) {
        this.log.warn({ region, reason: reasonOf(error) }, 'gateway cannot be kept running');
      }
      await this.pause();
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.stopped.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      this.stopped.signal.addEventListener('abort', done);
    });
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.watches);
  }
}
