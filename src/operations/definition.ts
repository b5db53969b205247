import type { z } from 'zod';
import type { OperationFailure } from './operation.js';
import { findTraitFaults, type Meaning, type Traits } from './traits.js';

/**
 * The queues, by need of isolation: a failover never waits behind a provisioning, nor a change behind a backup, nor a
 * database that is down until it is restored behind the backups of others, nor a backup behind a proof, which runs code of
 * customers' own for as long as that may take.
 */
export const QUEUES = ['failover', 'changes', 'restores', 'bulk', 'proofs'] as const;
export type QueueName = (typeof QUEUES)[number];

/** Ids that tie a request, its operation, and every log line of both together. */
export interface OperationTrace {
  readonly operationId: string;
  readonly requestId?: string;
}

/** What a step is given. It must not keep anything of it beyond its own end. */
export interface StepContext<Input = unknown, Found = Record<string, unknown>> {
  readonly operationId: string;
  readonly subjectId: string | null;
  readonly input: Input;
  /** What earlier steps found. */
  readonly found: Partial<Found>;
  /** Raised in the transaction that took this step; every effect carries it (protocol rule 1). */
  readonly token: bigint;
  /** Counted from 1; a wait is no attempt. */
  readonly attempt: number;
  /** Milliseconds since the step was taken, waits and earlier attempts included. */
  readonly sinceMs: number;
  /** Aborted when the attempt's time is over, or when the operation was taken away from this worker. */
  readonly signal: AbortSignal;
  readonly trace: OperationTrace;
  /** Why an earlier step failed, where the table goes on after a failure. */
  readonly failure: OperationFailure | null;
  /** The secret input of the operation, still sealed; null once erased. */
  readonly sealed: Buffer | null;
  /** Shows the progress of a long step; nothing is decided by it, and the step's findings replace it. */
  readonly report: (detail: Record<string, unknown>) => void;
}

/**
 * Writes what a step found into the features' own tables, in the transaction that records the step as taken:
 * either both are seen, or neither (protocol rule 2).
 */
export type Recording<Tx> = (tx: Tx) => Promise<void>;

interface Findings<Tx, Found> {
  readonly found?: Partial<Found>;
  /** Shown to people beside the step; never a secret. */
  readonly detail?: Record<string, unknown>;
  readonly record?: Recording<Tx>;
}

/**
 * How a step ends: exactly one of next, wait, done, give up; or, where a table undoes by steps of its own, with the
 * failure that those steps have dealt with.
 */
export type StepOutcome<Tx, Found = Record<string, unknown>> =
  | ({ readonly outcome: 'next'; /** The step after this one, unless named. */ readonly to?: string } & Findings<Tx, Found>)
  | { readonly outcome: 'wait'; readonly forMs: number; readonly reason: string }
  | ({ readonly outcome: 'done' } & Findings<Tx, Found>)
  | { readonly outcome: 'give-up'; readonly reason: string; readonly hint?: string }
  | ({
    /** Ends the operation as failed, with nothing more to undo. */
    readonly outcome: 'fail';
    readonly reason: string;
    readonly hint?: string;
  } & Findings<Tx, Found>);

/**
 * What follows when a step has used up its attempts or its time:
 *
 * - `undo`: the steps taken so far are undone in reverse order, and the operation ends as failed;
 * - `persist`: the step is tried for ever, with an alert until it gets there; the only choice after the point of no return;
 * - `goTo`: the operation goes on at another step.
 */
export type OnFailure = 'undo' | 'persist' | { readonly goTo: string };

export interface Step<Tx, Input = unknown, Found = Record<string, unknown>> {
  readonly name: string;
  /** One line for the diagram and the log. */
  readonly does: string;
  /** The time that one attempt may take. */
  readonly timeoutMs: number;
  /** After so many attempts, or so many times {@link timeoutMs}, the step has failed. */
  readonly attempts: number;
  readonly onFailure: OnFailure;
  /** The way of an operation that goes well ends here: steps below are only for what does not. */
  readonly last?: true;
  run(context: StepContext<Input, Found>): Promise<StepOutcome<Tx, Found>>;
  /** Undoes the step, also one that was interrupted half-way or never begun; tried until it succeeds. */
  undo?(context: StepContext<Input, Found>): Promise<Recording<Tx> | void>;
}

/** A kind of operation: what is asked for, whom it excludes, what it means to others, and the table of its steps. */
export interface OperationDefinition<Tx, Input = unknown, Found = Record<string, unknown>> {
  readonly kind: string;
  /** One line: what it is for. */
  readonly does: string;
  readonly input: z.ZodType<Input>;
  /** Whether it is the only change to its subject while it runs. */
  readonly exclusive: boolean;
  readonly queue: QueueName;
  /** After this time an alert is raised and, before the point of no return, the operation is undone. */
  readonly deadlineMs: number;
  /** Whether a request for this one ends the exclusive operation that runs. */
  readonly preempts: (other: Meaning) => boolean;
  readonly steps: readonly Step<Tx, Input, Found>[];
  /** From this step on there is no way back, only forward; absent: there always is. */
  readonly pointOfNoReturn?: string;
  /** What it means to others; absent: nothing. */
  readonly traits?: Traits;
}

/**
 * Checks that a table of steps and the traits are well formed.
 *
 * @throws Error naming every fault: a definition with one must not start.
 */
export function assertWellFormed<Tx>(definition: OperationDefinition<Tx>): void {
  const names = definition.steps.map((step) => step.name);
  const noReturn = definition.pointOfNoReturn === undefined ? names.length : names.indexOf(definition.pointOfNoReturn);
  const faults: string[] = [];
  if (names.length === 0) faults.push('it has no step');
  if (definition.deadlineMs <= 0) faults.push('it has no time');
  if (definition.steps.filter((step) => step.last).length > 1) faults.push('two steps are the last one');
  if (new Set(names).size !== names.length) faults.push('two steps have the same name');
  if (noReturn === -1) faults.push(`its point of no return "${definition.pointOfNoReturn}" is not a step`);
  definition.steps.forEach((step, position) => {
    if (typeof step.onFailure === 'object' && !names.includes(step.onFailure.goTo)) {
      faults.push(`step "${step.name}" goes to "${step.onFailure.goTo}", which is not a step`);
    } else if (typeof step.onFailure === 'object') {
      if (step.onFailure.goTo === step.name) faults.push(`step "${step.name}" goes to itself for ever`);
      if (position >= noReturn && names.indexOf(step.onFailure.goTo) < noReturn) {
        faults.push(`step "${step.name}" goes back before the point of no return`);
      }
    }
    if (position >= noReturn && step.undo) faults.push(`step "${step.name}" has an undo that is never called`);
    if (position >= noReturn && step.onFailure === 'undo') faults.push(`step "${step.name}" would undo what has no way back`);
    if (step.timeoutMs <= 0 || step.attempts <= 0) faults.push(`step "${step.name}" has no time or no attempt`);
  });
  faults.push(...findTraitFaults(definition));
  if (faults.length > 0) throw new Error(`operation "${definition.kind}" is not well formed: ${faults.join('; ')}`);
}

/** Whether the operation can still be undone while it is at that step. */
export function hasWayBack<Tx>(definition: OperationDefinition<Tx>, stepName: string): boolean {
  if (definition.pointOfNoReturn === undefined) return true;
  const at = (name: string): number => definition.steps.findIndex((step) => step.name === name);
  return at(stepName) < at(definition.pointOfNoReturn);
}
