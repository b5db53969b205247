import type { EntityManager } from 'typeorm';
import { OperationRunner } from '../../../src/operations/runner.js';
import type { OperationRegistry } from '../../../src/operations/registry.js';
import { sortError } from '../../../src/operations/sort-error.js';
import { type Clock, type OperationStore, systemClock } from '../../../src/operations/store.js';

/**
 * A moment in a run at which the worker may die. Each is after one side effect and before the next, be it an effect on
 * the data plane or the recording of a step; the last one is after all of them.
 */
export interface Moment {
  readonly step: string;
  readonly name: string;
}

/** Long enough that no lease runs out by itself: a test lets it. */
const LEASE_MS = 60_000;

/** Runs after which an operation that has not ended never will. */
export const MOST_RUNS = 100;

const silent = { info: () => undefined, warn: () => undefined };

interface MortalParts {
  readonly store: OperationStore<EntityManager>;
  readonly registry: OperationRegistry<EntityManager>;
  /** Lets the worker know of each effect on the data plane before it happens, until it is told to stop. */
  readonly onEffect: (call: (verb: string) => Promise<void>) => () => void;
  /** Lets an operation that waits go on at once; false if it has ended. */
  readonly makeDue: (operationId: string) => Promise<boolean>;
}

/**
 * A worker that dies at a moment of the test's choice: from then on nothing that it does has an effect, its lease is
 * not prolonged, and it is not told. It may wake up later, like a process that was stopped, with everything that it
 * remembers.
 */
export class MortalWorker {
  /** Every moment that was passed, in order. */
  readonly moments: Moment[] = [];
  readonly name: string;
  private dead = false;
  private step = '';
  private wakeUp: () => void = () => undefined;
  private readonly asleep = new Promise<void>((resolve) => { this.wakeUp = resolve; });
  private reportDeath: () => void = () => undefined;
  private readonly death = new Promise<void>((resolve) => { this.reportDeath = resolve; });
  private run: Promise<unknown> = Promise.resolve();

  /** @param diesAt the number of the moment, counted from 0; undefined: it lives */
  constructor(
    private readonly parts: MortalParts,
    private readonly diesAt: number | undefined,
  ) {
    this.name = `mortal-${diesAt ?? 'that-lives'}`;
  }

  get died(): boolean {
    return this.dead;
  }

  /** Runs the operation until it ends, or the worker dies. */
  async work(operationId: string): Promise<void> {
    const { registry, onEffect } = this.parts;
    const stop = onEffect((verb) => this.pass(`before ${verb}`));
    const runner = new OperationRunner({ store: this.mortalStore(), registry, clock: this.clock(), worker: this.name, leaseMs: LEASE_MS, sortError, log: silent });
    for (let runs = 0; runs < MOST_RUNS && !this.dead && (await this.parts.makeDue(operationId)); runs += 1) {
      this.run = runner.run(operationId).catch(() => undefined);
      await Promise.race([this.run, this.death]);
    }
    if (!this.dead) await Promise.race([this.pass('after everything'), this.death]);
    stop();
  }

  /** Wakes the worker up, and waits for what it does then. */
  async wake(): Promise<void> {
    this.wakeUp();
    await this.run;
  }

  private async pass(name: string): Promise<void> {
    if (this.dead) return this.asleep;
    this.moments.push({ step: this.step, name });
    if (this.moments.length - 1 !== this.diesAt) return;
    this.dead = true;
    this.reportDeath();
    return this.asleep;
  }

  private mortalStore(): OperationStore<EntityManager> {
    const { store } = this.parts;
    return {
      request: (tx, operation) => store.request(tx, operation),
      claim: async (id, worker, leaseMs) => {
        const held = await store.claim(id, worker, leaseMs);
        this.step = held?.operation.step ?? '';
        return held;
      },
      extend: (held, leaseMs) => store.extend(held, leaseMs),
      show: (held, detail) => store.show(held, detail),
      release: (held) => store.release(held),
      settle: async (held, transition, findings, steps) => {
        const back = held.operation.direction === 'back' ? 'undoing ' : '';
        await this.pass(`before recording ${back}${held.operation.step}`);
        const next = await store.settle(held, transition, findings, steps);
        this.step = next?.operation.step ?? this.step;
        return next;
      },
      takeDue: (limit, notEnqueuedForMs) => store.takeDue(limit, notEnqueuedForMs),
    };
  }

  private clock(): Clock {
    return { ...systemClock, after: (ms, call) => systemClock.after(ms, () => { if (!this.dead) call(); }) };
  }
}

/** A worker that takes over and sees an operation to its end. */
export function immortalRunner(store: OperationStore<EntityManager>, registry: OperationRegistry<EntityManager>): OperationRunner<EntityManager> {
  return new OperationRunner({ store, registry, clock: systemClock, worker: 'successor', leaseMs: LEASE_MS, sortError, log: silent });
}
