import { EngineError } from '../../../src/engine/errors.js';
import type { Effect } from '../../../src/engine/ports.js';
import type { Random } from '../../support/random.js';
import type { RulesOff } from '../rules.js';
import type { Owner, Scheduler } from '../scheduler.js';
import type { Stage } from '../stage.js';
import type { Postgres } from './postgres.js';

/** What the ports of all workers share: the data plane, and time. */
export interface DataPlane {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly stage: Stage;
  readonly postgres: Postgres;
  readonly rulesOff: RulesOff;
}

/** Where tokens are kept: an instance, or a route. */
export interface Guarded {
  token: bigint;
  holder: { killed: boolean } | null;
}

/** The name of the step that calls, which a step's context carries here beside what the port asks for. */
export const stepOf = (effect: Effect): string | undefined => (effect as Effect & { readonly step?: string }).step;

/** Goes to the next part of an effect; throws if the child that does it was killed meanwhile. */
export type Onward = (at: string, delayMs?: number) => Promise<void>;

/**
 * The way of every effect: it arrives, is refused or takes the lock, is done in parts, and answers. The token is checked
 * and stored atomically with the first part; a higher one kills whoever holds the lock (rule 1).
 */
export class Effects {
  constructor(private readonly plane: DataPlane, private readonly owner: Owner) {}

  async act<T>(
    verb: string, subject: string, guarded: Guarded & { readonly reachable?: boolean }, effect: Effect, body: (onward: Onward) => Promise<T>,
  ): Promise<T> {
    const { stage, random } = this.plane;
    const child = { killed: false, cutOff: false };
    effect.signal.addEventListener('abort', () => { child.cutOff = stage.isChaotic && random.happens(0.5); }, { once: true });
    // A child that was started already goes on when its worker stops or dies.
    const master = random.happens(0.5) ? undefined : this.owner;
    const point = { verb, subject, token: effect.token, worker: this.owner.name };
    const onward: Onward = async (at, delayMs) => {
      await stage.pass({ ...point, at }, master, delayMs);
      if (guarded.reachable === false) throw new EngineError('transient', `the host of ${subject} cannot be reached`);
      if (child.killed) throw new EngineError('superseded', `${verb} of ${subject} was ended by a higher token`);
      if (child.cutOff) throw new EngineError('outcome-unknown', `${verb} of ${subject} was cut off`);
    };
    await onward('before');
    this.take(guarded, verb, subject, effect.token);
    if (!this.plane.rulesOff.has('1')) {
      if (guarded.holder) guarded.holder.killed = true;
      guarded.holder = child;
    }
    try {
      return await body(onward);
    } finally {
      if (guarded.holder === child) guarded.holder = null;
      await stage.pass({ ...point, at: 'after' }, this.owner);
    }
  }

  /** Refuses a token that is lower than the highest one seen, and stores it otherwise. */
  take(guarded: Guarded, verb: string, subject: string, token: bigint): void {
    if (this.plane.rulesOff.has('1')) return;
    if (token < guarded.token) throw new EngineError('superseded', `${verb} of ${subject} came with token ${token}, and ${guarded.token} was seen`);
    guarded.token = token;
  }

  /** Looks again and again until something is so, or the step's time is over. */
  async until(what: string, subject: string, effect: Effect, isSo: () => boolean): Promise<void> {
    let delay = 5;
    while (!isSo()) {
      if (effect.signal.aborted) throw new EngineError('outcome-unknown', `waited too long for ${what}`);
      await this.plane.stage.pass({ verb: what, subject, at: 'look', worker: this.owner.name, token: effect.token }, this.owner, delay);
      delay = Math.min(1_000, delay * 1.5);
    }
  }

  pause(verb: string, subject: string): Promise<void> {
    return this.plane.stage.pass({ verb, subject, at: 'look', worker: this.owner.name }, this.owner);
  }
}
