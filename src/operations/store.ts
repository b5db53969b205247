import type { Recording } from './definition.js';
import type { Transition } from './decide-transition.js';
import type { Operation, OperationDocument } from './operation.js';

/** An operation, and the right to act for it. */
export interface Held {
  readonly operation: Operation;
  /** The fence's token as this holder's last transaction left it. */
  readonly token: bigint;
  readonly worker: string;
}

export interface StepPlan {
  readonly name: string;
  /** The time that the step may take with all its attempts. */
  readonly deadlineMs: number;
}

/** A request for an operation, ready to be written. */
export interface NewOperation {
  readonly id: string;
  readonly kind: string;
  readonly subjectId: string | null;
  readonly ownerId: string | null;
  readonly exclusive: boolean;
  readonly queue: string;
  readonly input: unknown;
  readonly sealed: Buffer | null;
  readonly steps: readonly StepPlan[];
  readonly deadlineMs: number;
  readonly requestedBy: string;
  readonly requestId: string | null;
  /** The trace that the request is a part of. */
  readonly traceParent?: string | undefined;
  /** Whether a running exclusive operation of that kind, at that step, is ended by this request. */
  readonly preempts: (kind: string, step: string) => boolean;
}

export interface Findings<Tx> {
  readonly found?: Record<string, unknown>;
  readonly detail?: Record<string, unknown>;
  readonly record?: Recording<Tx>;
}

export interface DueOperation {
  readonly id: string;
  readonly queue: string;
}

/** Another operation runs on the subject and may not be ended. */
export class OperationInTheWayError extends Error {
  constructor(readonly operation: { readonly id: string; readonly kind: string; readonly state: string }) {
    super(`operation ${operation.id} (${operation.kind}) is in the way`);
    this.name = 'OperationInTheWayError';
  }
}

/**
 * Where operations are kept. Every write is a compare-and-set on (token, step); a write that finds another token or
 * step changes nothing and answers `undefined` (protocol rule 2).
 */
export interface OperationStore<Tx> {
  /** @throws OperationInTheWayError if an exclusive operation runs that may not be pre-empted. */
  request(tx: Tx, operation: NewOperation): Promise<OperationDocument>;
  /** Takes an operation that is due and that nobody holds; counts an attempt and raises the token. */
  claim(id: string, worker: string, leaseMs: number): Promise<Held | undefined>;
  /** Prolongs the lease; false if it is lost. */
  extend(held: Held, leaseMs: number): Promise<boolean>;
  /** Shows the progress of the current step; does nothing if another worker holds the operation by now. */
  show(held: Held, detail: Record<string, unknown>): Promise<void>;
  /** Lets go of an operation between two steps, so that another worker takes it at once. */
  release(held: Held): Promise<void>;
  /** Records the transition and the findings in one transaction; answers with what to go on with, if anything. */
  settle(held: Held, transition: Transition, findings: Findings<Tx>, steps: readonly StepPlan[]): Promise<Held | undefined>;
  /** Marks operations that are due, and that were not enqueued lately, as enqueued, and answers with them. */
  takeDue(limit: number, notEnqueuedForMs: number): Promise<DueOperation[]>;
}

/** What time and chance are to the kernel; a simulation brings its own. */
export interface Clock {
  now(): Date;
  /** Calls back after so many milliseconds, unless cancelled by the function that it answers with. */
  after(ms: number, call: () => void): () => void;
  /** A number from 0 up to 1. */
  chance(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  chance: () => Math.random(),
};
