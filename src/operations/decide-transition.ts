import type { OnFailure, OperationDefinition, StepOutcome } from './definition.js';
import { hasWayBack } from './definition.js';
import type { Direction, Operation, OperationFailure } from './operation.js';

/** How a step's attempt ended, seen from outside: by its own word, or by an error of a known sort. */
export type AttemptResult<Tx> =
  | { readonly ended: 'with-outcome'; readonly outcome: StepOutcome<Tx> }
  | { readonly ended: 'with-error'; readonly sort: ErrorSort; readonly reason: string; readonly hint?: string };

/**
 * - `retry`: may work next time; an unknown outcome counts here, since steps check before they act;
 * - `permanent`: will not work next time;
 * - `superseded`: somebody else is in charge; nothing may be recorded from memory (protocol rule 2).
 */
export type ErrorSort = 'retry' | 'permanent' | 'superseded';

/** What to record after an attempt. */
export type Transition =
  | { readonly type: 'enter'; readonly step: string; readonly direction: Direction; readonly failure?: OperationFailure }
  | {
    readonly type: 'again'; readonly inMs: number; readonly reason: string; readonly alert: boolean;
    /** The step only waits: what it waits for is no fault of the attempt, and the attempt is not counted. */
    readonly waits?: true;
  }
  | { readonly type: 'end'; readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly failure?: OperationFailure }
  | { readonly type: 'drop' };

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;

/** Doubles from 0.1 s to 10 s, with up to a quarter of chance so that many retries do not meet. */
export function backoffMs(attempt: number, chance: number): number {
  const plain = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(plain * (1 + chance / 4));
}

/**
 * Decides what follows from an attempt at the operation's current step.
 *
 * @param chance a number from 0 to 1 that spreads retries
 */
export function decideTransition<Tx>(
  definition: OperationDefinition<Tx>,
  operation: Operation,
  result: AttemptResult<Tx>,
  now: Date,
  chance: number,
): Transition {
  if (result.ended === 'with-error' && result.sort === 'superseded') return { type: 'drop' };
  const situation: Situation<Tx> = { definition, operation, now, chance };
  return operation.direction === 'back' ? afterUndo(situation, result) : afterRun(situation, result);
}

interface Situation<Tx> {
  readonly definition: OperationDefinition<Tx>;
  readonly operation: Operation;
  readonly now: Date;
  readonly chance: number;
}

function afterRun<Tx>(situation: Situation<Tx>, result: AttemptResult<Tx>): Transition {
  const { definition, operation, now, chance } = situation;
  if (result.ended === 'with-error') {
    const outOfTries = operation.attempt >= currentStep(situation).attempts || now >= operation.stepDeadlineAt;
    if (result.sort === 'permanent' || outOfTries) return afterFailure(situation, result.reason, result.hint);
    return { type: 'again', inMs: backoffMs(operation.attempt, chance), reason: result.reason, alert: false };
  }
  const { outcome } = result;
  switch (outcome.outcome) {
    case 'done':
      return { type: 'end', state: 'succeeded' };
    case 'fail':
      return {
        type: 'end', state: 'failed', failure: { step: operation.step, reason: outcome.reason, hint: outcome.hint, left: 'nothing' },
      };
    case 'give-up':
      return afterFailure(situation, outcome.reason, outcome.hint);
    case 'wait':
      if (now.getTime() + outcome.forMs > operation.stepDeadlineAt.getTime()) {
        return afterFailure(situation, `waited too long: ${outcome.reason}`);
      }
      return interruption(situation) ?? { type: 'again', inMs: outcome.forMs, reason: outcome.reason, alert: false, waits: true };
    case 'next': {
      const next = outcome.to ?? following(definition, operation.step);
      if (next === undefined) return { type: 'end', state: 'succeeded' };
      return interruption(situation) ?? { type: 'enter', step: next, direction: 'forward' };
    }
  }
}

/** A request to cancel, or a breached deadline, turns the operation back while there is a way back. */
function interruption<Tx>({ definition, operation, now }: Situation<Tx>): Transition | undefined {
  if (!hasWayBack(definition, operation.step)) return undefined;
  if (operation.cancelRequestedBy !== null) {
    return turnBack(operation, `cancelled by ${operation.cancelRequestedBy}`);
  }
  if (now >= operation.deadlineAt) return turnBack(operation, 'the operation took longer than it may');
  return undefined;
}

function turnBack(operation: Operation, reason: string, hint?: string): Transition {
  return { type: 'enter', step: operation.step, direction: 'back', failure: { step: operation.step, reason, hint } };
}

function afterFailure<Tx>(situation: Situation<Tx>, reason: string, hint?: string): Transition {
  const { operation, chance } = situation;
  const what: OnFailure = currentStep(situation).onFailure;
  if (what === 'undo') return turnBack(operation, reason, hint);
  if (what === 'persist') {
    return interruption(situation) ?? { type: 'again', inMs: backoffMs(operation.attempt, chance), reason, alert: true };
  }
  return { type: 'enter', step: what.goTo, direction: 'forward', failure: { step: operation.step, reason, hint } };
}

function afterUndo<Tx>({ definition, operation, chance }: Situation<Tx>, result: AttemptResult<Tx>): Transition {
  if (result.ended === 'with-error') {
    return { type: 'again', inMs: backoffMs(operation.attempt, chance), reason: result.reason, alert: operation.attempt >= 3 };
  }
  const before = preceding(definition, operation.step);
  const failure = operation.error ?? { step: operation.step, reason: 'it was undone' };
  if (before !== undefined) return { type: 'enter', step: before, direction: 'back', failure };
  const state = operation.cancelRequestedBy === null ? 'failed' : 'cancelled';
  return { type: 'end', state, failure: { ...failure, left: 'nothing' } };
}

function currentStep<Tx>({ definition, operation }: Situation<Tx>): { attempts: number; onFailure: OnFailure } {
  const step = definition.steps.find((candidate) => candidate.name === operation.step);
  if (!step) throw new Error(`operation "${definition.kind}" has no step "${operation.step}"`);
  return step;
}

function following<Tx>(definition: OperationDefinition<Tx>, name: string): string | undefined {
  const position = definition.steps.findIndex((step) => step.name === name);
  return definition.steps[position]?.last ? undefined : definition.steps[position + 1]?.name;
}

/** The nearest earlier step that has something to undo. */
function preceding<Tx>(definition: OperationDefinition<Tx>, name: string): string | undefined {
  const earlier = definition.steps.slice(0, definition.steps.findIndex((step) => step.name === name));
  return earlier.reverse().find((step) => step.undo !== undefined)?.name;
}
