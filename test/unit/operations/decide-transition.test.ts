import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { backoffMs, decideTransition, type AttemptResult } from '../../../src/operations/decide-transition.js';
import { assertWellFormed, type OperationDefinition, type Step } from '../../../src/operations/definition.js';
import type { Operation } from '../../../src/operations/operation.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const LATER = new Date('2026-11-24T13:00:00Z');
const EARLIER = new Date('2026-11-24T11:00:00Z');

const step = (name: string, more: Partial<Step<never>> = {}): Step<never> => ({
  name, does: name, timeoutMs: 1_000, attempts: 3, onFailure: 'undo', run: () => Promise.resolve({ outcome: 'next' }), ...more,
});

const definition: OperationDefinition<never> = {
  kind: 'journey', does: 'test', input: z.unknown(), exclusive: true, queue: 'changes', deadlineMs: 60_000, preempts: () => false,
  pointOfNoReturn: 'jump',
  steps: [
    step('pack', { undo: () => Promise.resolve() }),
    step('walk'),
    step('look', { undo: () => Promise.resolve() }),
    step('jump', { onFailure: 'persist' }),
    step('land', { onFailure: { goTo: 'jump' } }),
  ],
};

const at = (name: string, more: Partial<Operation> = {}): Operation => ({
  id: 'op_1', kind: 'journey', subjectId: 'db_1', ownerId: null, fenceId: 'db_1', exclusive: true, queue: 'changes', state: 'running',
  direction: 'forward', step: name, attempt: 1, input: {}, found: {}, sealed: null, error: null, stepDeadlineAt: LATER, deadlineAt: LATER,
  cancelRequestedBy: null, requestedBy: 'key_1', requestId: null, createdAt: EARLIER, startedAt: EARLIER, finishedAt: null, ...more,
});

const next: AttemptResult<never> = { ended: 'with-outcome', outcome: { outcome: 'next' } };
const error = (sort: 'retry' | 'permanent' | 'superseded'): AttemptResult<never> => ({ ended: 'with-error', sort, reason: 'rain' });
const decide = (operation: Operation, result: AttemptResult<never>) => decideTransition(definition, operation, result, NOW, 0);

describe('decideTransition', () => {
  it('goes from step to step and ends as succeeded after the last', () => {
    expect(decide(at('pack'), next)).toEqual({ type: 'enter', step: 'walk', direction: 'forward' });
    expect(decide(at('land'), next)).toEqual({ type: 'end', state: 'succeeded' });
  });

  it('retries what may pass, and turns back once the attempts or the time are used up', () => {
    expect(decide(at('walk'), error('retry'))).toMatchObject({ type: 'again', inMs: 100 });
    expect(decide(at('walk', { attempt: 3 }), error('retry'))).toMatchObject({ type: 'enter', step: 'walk', direction: 'back', failure: { reason: 'rain' } });
    expect(decide(at('walk', { stepDeadlineAt: EARLIER }), error('retry'))).toMatchObject({ direction: 'back' });
  });

  it('does not retry what cannot pass', () => {
    expect(decide(at('walk'), error('permanent'))).toMatchObject({ type: 'enter', direction: 'back' });
  });

  it('undoes earlier steps in reverse order, skipping those with nothing to undo, and leaves nothing', () => {
    const failure = { step: 'look', reason: 'rain' };
    expect(decide(at('look', { direction: 'back', error: failure }), next)).toMatchObject({ type: 'enter', step: 'pack', direction: 'back' });
    expect(decide(at('pack', { direction: 'back', error: failure }), next)).toEqual({ type: 'end', state: 'failed', failure: { ...failure, left: 'nothing' } });
  });

  it('tries an undo for ever', () => {
    expect(decide(at('pack', { direction: 'back', attempt: 50, stepDeadlineAt: EARLIER }), error('permanent'))).toMatchObject({ type: 'again', alert: true });
  });

  it('never turns back after the point of no return', () => {
    const lateAndCancelled = { cancelRequestedBy: 'key_2', deadlineAt: EARLIER, stepDeadlineAt: EARLIER, attempt: 9 };
    fc.assert(fc.property(fc.constantFrom('jump', 'land'), fc.constantFrom(next, error('retry'), error('permanent')), (name, result) => {
      expect(decide(at(name, lateAndCancelled), result)).not.toMatchObject({ direction: 'back' });
      expect(decide(at(name, lateAndCancelled), result)).not.toMatchObject({ state: 'failed' });
    }));
  });

  it('turns back at the next step when cancelled, and ends as cancelled', () => {
    expect(decide(at('walk', { cancelRequestedBy: 'key_2' }), next)).toMatchObject({ direction: 'back', failure: { reason: 'cancelled by key_2' } });
    expect(decide(at('pack', { direction: 'back', cancelRequestedBy: 'key_2' }), next)).toMatchObject({ type: 'end', state: 'cancelled' });
  });

  it('turns back when the operation takes longer than it may', () => {
    expect(decide(at('pack', { deadlineAt: EARLIER }), next)).toMatchObject({ type: 'enter', step: 'pack', direction: 'back' });
  });

  it('records nothing when another worker is in charge', () => {
    expect(decide(at('jump'), error('superseded'))).toEqual({ type: 'drop' });
  });

  it('goes where the table says after a failure', () => {
    expect(decide(at('land'), error('permanent'))).toMatchObject({ type: 'enter', step: 'jump', direction: 'forward', failure: { step: 'land', reason: 'rain' } });
  });

  it('waits, but not beyond the time of the step', () => {
    const wait = (forMs: number): AttemptResult<never> => ({ ended: 'with-outcome', outcome: { outcome: 'wait', forMs, reason: 'the tide' } });
    expect(decide(at('walk'), wait(500))).toMatchObject({ type: 'again', inMs: 500 });
    expect(decide(at('walk'), wait(7_200_000))).toMatchObject({ direction: 'back', failure: { reason: 'waited too long: the tide' } });
  });
});

describe('backoffMs', () => {
  it('grows, and has a limit', () => {
    expect([1, 2, 3, 20, 5_000].map((attempt) => backoffMs(attempt, 0))).toEqual([100, 200, 400, 10_000, 10_000]);
  });
});

describe('assertWellFormed', () => {
  it('names every fault of a table', () => {
    const broken = { ...definition, steps: [step('a', { onFailure: { goTo: 'nowhere' } }), step('a'), step('jump')] };
    expect(() => assertWellFormed(broken)).toThrow(/same name.*"nowhere".*no way back/);
  });

  it.each([
    ['goes on at itself', { steps: [step('a', { onFailure: { goTo: 'a' } })], pointOfNoReturn: undefined }, /"a" goes to itself/],
    ['goes back before the point of no return', { steps: [step('a'), step('b', { onFailure: { goTo: 'a' } })], pointOfNoReturn: 'b' }, /"b" goes back before/],
    ['has two last steps', { steps: [step('a', { last: true }), step('b', { last: true })], pointOfNoReturn: undefined }, /two steps are the last/],
    ['would undo what has no way back', { steps: [step('a', { onFailure: 'persist', undo: async () => undefined })], pointOfNoReturn: 'a' }, /"a" has an undo that is never called/],
    ['has no time', { steps: [step('a')], pointOfNoReturn: undefined, deadlineMs: 0 }, /it has no time/],
  ])('refuses a table that %s', (_, change, fault) => {
    expect(() => assertWellFormed({ ...definition, ...change })).toThrow(fault);
  });
});
