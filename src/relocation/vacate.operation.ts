import { z } from 'zod';
import { RESTORES_AT_ONCE } from '../config/restores-at-once.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../operations/definition.js';
import { chooseMoves, isPossible, type PossibleMove } from './plan-moves.js';
import type { MoveReport } from './report-moves.js';

/**
 * Empties hosts: one that is drained or lost, or all of a data centre that is evacuated or lost.
 *
 * Invariants:
 * - it changes no database itself: it asks for switchovers, failovers, restores and relocations, each with its own rules;
 * - a few at a time, and failovers all at once; what fails is tried again less and less often;
 * - a database is restored only where nothing of it is left on any other host;
 * - it ends with a report of what was done, of what failed and why, and of what the loss cost each database;
 * - it goes on for as long as the hosts are marked, and stops when an operator takes that back.
 */
export const VACATE = 'vacate';

/** Moves are mostly copies, and more restores would only wait in their queue. */
const MOVES_AT_ONCE = RESTORES_AT_ONCE;
const LOOK_AGAIN_MS = 500;
/** Databases that a reason names. */
const NAMED = 5;

export const vacateInputSchema = z.strictObject({
  hostIds: z.array(z.string()).min(1), hostsLost: z.boolean(),
  acceptDataLoss: z.boolean().default(false),
  /** An operator's word, for every switchover that is asked for. */
  endTransactionsAfterMinutes: z.number().int().min(0).optional(),
  /** What was on the hosts at first, for the report. */
  databaseIds: z.array(z.string()).default([]),
});
export type VacateInput = z.output<typeof vacateInputSchema>;

interface Parts {
  /** What is on these hosts and where it can go, as long as the hosts are to be emptied; undefined once an operator has taken that back. */
  readonly moves: (input: VacateInput, operationId: string) => Promise<readonly PossibleMove[] | undefined>;
  /** Asks for one move; a conflict with another operation is not an error, and is looked at again. */
  readonly ask: (move: PossibleMove, input: VacateInput, requestedBy: string) => Promise<void>;
  /** Takes back what was asked for in this one's name and has not begun. */
  readonly callOff: (operationId: string) => Promise<void>;
  /** How many operations go on that were asked for in this one's name. */
  readonly countGoing: (operationId: string) => Promise<number>;
  /** What the operations came to that were asked for in this one's name. */
  readonly report: (operationId: string, input: VacateInput) => Promise<MoveReport>;
}

export function vacateOperation<Tx>({ moves, ask, callOff, countGoing, report }: Parts): OperationDefinition<Tx, VacateInput> {
  async function move({ input, operationId }: StepContext<VacateInput>): Promise<StepOutcome<Tx>> {
    const left = await moves(input, operationId);
    if (left === undefined) {
      await callOff(operationId);
      return { outcome: 'done', detail: { stopped: 'the hosts are in use again', ...(await report(operationId, input)) } };
    }
    if (left.length === 0 || isAllThatCanBe(left, input)) {
      // What it asked for may have left the hosts and not be at its end.
      const going = await countGoing(operationId);
      if (going > 0) return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason: `${going} operations are not at their end` };
      const noRoom = left.map(({ instanceId }) => instanceId);
      return {
        outcome: 'done', detail: { left: left.length, ...(noRoom.length > 0 && { noRoom }), ...(await report(operationId, input)) },
      };
    }
    await Promise.all(chooseMoves(left, { acceptDataLoss: input.acceptDataLoss, atOnce: MOVES_AT_ONCE, now: new Date() })
      .map((one) => ask(one, input, operationId)));
    return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason: describeLeft(left, input) };
  }
  return {
    kind: VACATE,
    does: 'empties hosts',
    input: vacateInputSchema,
    exclusive: true,
    queue: 'failover',
    deadlineMs: 24 * 60 * 60_000,
    preempts: ({ kind }) => kind === VACATE,
    pointOfNoReturn: 'move',
    steps: [{
      name: 'move', does: 'move every instance away, a few at a time',
      timeoutMs: 60_000, attempts: 1_440, onFailure: 'persist', run: move,
    }],
  };
}

/** Hosts that are lost are as good as empty when only standbys are left there that no other host has room for. */
const isAllThatCanBe = (left: readonly PossibleMove[], { hostsLost }: VacateInput): boolean =>
  hostsLost && left.every(({ by, to, change }) => by === 'relocate' && to === null && change === null);

function describeLeft(left: readonly PossibleMove[], { acceptDataLoss }: VacateInput): string {
  const primaries = left.filter(({ role }) => role === 'primary').length;
  const undecided = left.filter((move) => move.by === 'failover' && !isPossible(move, acceptDataLoss));
  const noRoom = left.filter(({ by, to }) => by !== 'failover' && by !== 'switchover' && to === null);
  const waiting = left.filter(({ waitsFor, role }) => waitsFor !== null && role === 'primary');
  return [
    `${primaries} primaries and ${left.length - primaries} standbys are left`,
    ...(undecided.length > 0
      ? [`${undecided.length} wait for an operator who accepts that what their standby had not received is `
        + `lost (acceptDataLoss): ${names(undecided)}`]
      : []),
    ...(waiting.length > 0
      ? [`${waiting.length} wait for transactions to end: `
        + `${waiting.slice(0, NAMED).map(({ databaseId, waitsFor }) => `${databaseId} for ${waitsFor}`).join('; ')}`]
      : []),
    ...(noRoom.length > 0 ? [`${noRoom.length} have no room on any other host: ${names(noRoom)}`] : []),
  ].join('; ');
}

const names = (moves: readonly PossibleMove[]): string =>
  [...moves.slice(0, NAMED).map(({ databaseId }) => databaseId), ...(moves.length > NAMED ? ['…'] : [])].join(', ');
