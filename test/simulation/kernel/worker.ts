import type { Clock, DueOperation, Findings, Held, NewOperation, OperationStore, StepPlan } from '../../../src/operations/store.js';
import type { Transition } from '../../../src/operations/decide-transition.js';
import type { OperationDocument } from '../../../src/operations/operation.js';
import { OperationRegistry } from '../../../src/operations/registry.js';
import { OperationRunner } from '../../../src/operations/runner.js';
import { sortError } from '../../../src/operations/sort-error.js';
import type { Random } from '../../support/random.js';
import type { Owner, Scheduler } from '../scheduler.js';
import type { Stage } from '../stage.js';
import type { MemoryTx } from './memory-metadata.js';
import type { MemoryOperationStore } from './memory-store.js';

/** The moment at which simulated time begins. */
const BEGINNING = Date.UTC(2026, 10, 24);
export const LEASE_MS = 5_000;

/** The way of a process to the metadata database: it takes a while, and sometimes the answer is lost. */
export class Remote {
  constructor(private readonly stage: Stage, private readonly random: Random, private readonly owner: Owner) {}

  async call<T>(what: string, work: () => Promise<T>): Promise<T> {
    const point = { verb: 'metadata', subject: what, worker: this.owner.name };
    await this.stage.pass({ ...point, at: 'before' }, this.owner);
    const broken = this.stage.isChaotic ? this.random.next() : 1;
    if (broken < 0.005) throw new Error('the connection to the metadata broke');
    const result = await work();
    await this.stage.pass({ ...point, at: 'after' }, this.owner);
    if (broken < 0.01) throw new Error('the connection to the metadata broke, and nobody knows whether it was committed');
    return result;
  }
}

export interface WorkerParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly stage: Stage;
  readonly store: MemoryOperationStore;
  readonly register: (registry: OperationRegistry<MemoryTx>, worker: SimulatedWorker) => void;
  /** Called in the transaction that settled a step. */
  readonly onSettled: (held: Held, transition: Transition) => void;
}

/** A worker's process: the real runner over ports that take time. It may stall and go on with what it remembers, or die. */
export class SimulatedWorker implements Owner {
  stalledUntil = 0;
  dead = false;
  readonly remote: Remote;
  private readonly runner: OperationRunner<MemoryTx>;

  constructor(readonly name: string, private readonly parts: WorkerParts) {
    this.remote = new Remote(parts.stage, parts.random, this);
    const registry = new OperationRegistry<MemoryTx>();
    parts.register(registry, this);
    const say = (fields: Record<string, unknown>, message: string): void => {
      parts.scheduler.note(name, `${message}: ${['kind', 'step', 'direction', 'attempt', 'reason', 'state', 'inMs'].filter((key) => fields[key] !== undefined).map((key) => `${key}=${String(fields[key])}`).join(' ')}`);
    };
    this.runner = new OperationRunner({
      store: new RemoteStore(parts, this.remote), registry, clock: clockOf(parts, this), worker: name, leaseMs: LEASE_MS, sortError,
      log: { info: say, warn: say },
    });
  }

  /** Runs an operation; calls back with when to run it again. */
  run(operationId: string, again: (inMs: number) => void): void {
    this.parts.scheduler.disturb();
    this.runner.run(operationId).then(
      (result) => { if (result.next === 'again') again(result.inMs); },
      (error: unknown) => this.parts.scheduler.note(this.name, `run ended: ${String(error)}`),
    );
  }
}

export function clockOf({ scheduler, random }: Pick<WorkerParts, 'scheduler' | 'random'>, owner: Owner): Clock {
  return {
    now: () => dateAt(scheduler.now),
    after: (ms, call) => scheduler.schedule(ms, '', () => {
      scheduler.disturb();
      call();
    }, owner),
    chance: () => random.next(),
  };
}

export const dateAt = (now: number): Date => new Date(BEGINNING + now);
export const metadataClock = (scheduler: Scheduler) => (): number => BEGINNING + scheduler.now;

class RemoteStore implements OperationStore<MemoryTx> {
  constructor(private readonly parts: WorkerParts, private readonly remote: Remote) {}

  request(tx: MemoryTx, operation: NewOperation): Promise<OperationDocument> {
    return this.parts.store.request(tx, operation);
  }

  claim(id: string, worker: string, leaseMs: number): Promise<Held | undefined> {
    return this.remote.call(`claim ${id}`, () => this.parts.store.claim(id, worker, leaseMs));
  }

  extend(held: Held, leaseMs: number): Promise<boolean> {
    return this.remote.call('extend', () => this.parts.store.extend(held, leaseMs));
  }

  show(): Promise<void> {
    return this.parts.store.show();
  }

  release(held: Held): Promise<void> {
    return this.remote.call('release', () => this.parts.store.release(held));
  }

  settle(held: Held, transition: Transition, findings: Findings<MemoryTx>, steps: readonly StepPlan[]): Promise<Held | undefined> {
    return this.remote.call(`settle ${held.operation.kind}/${held.operation.step}`, async () => {
      const before = this.parts.store.token(held.operation.fenceId);
      const result = await this.parts.store.settle(held, transition, findings, steps);
      if (this.parts.store.token(held.operation.fenceId) !== before) this.parts.onSettled(held, transition);
      return result;
    });
  }

  takeDue(limit: number, notEnqueuedForMs: number): Promise<DueOperation[]> {
    return this.remote.call('take due', () => this.parts.store.takeDue(limit, notEnqueuedForMs));
  }
}
