import { z } from 'zod';
import type { OperationDefinition, StepContext, StepOutcome } from '../operations/definition.js';
import { chooseMoves, type Move, type Occupant } from './plan-moves.js';
import type { MoveReport } from './report-moves.js';

/**
 * Empties hosts: one that is drained or lost, or all of a data centre that is evacuated.
 *
 * Invariants:
 * - it changes no database itself: it asks for switchovers, failovers and relocations, each with its own rules;
 * - a few at a time, and failovers all at once;
 * - it ends with a report of what was done, and of what failed and why;
 * - it goes on for as long as the hosts are marked, and stops when an operator takes that back.
 */
export const VACATE = 'vacate';

const MOVES_AT_ONCE = 4;
const LOOK_AGAIN_MS = 500;

export const vacateInputSchema = z.strictObject({ hostIds: z.array(z.string()).min(1), hostsLost: z.boolean() });
export type VacateInput = z.output<typeof vacateInputSchema>;

interface Parts {
  /** The instances on these hosts, as long as the hosts are to be emptied; undefined once an operator has taken that back. */
  readonly occupants: (hostIds: readonly string[]) => Promise<readonly Occupant[] | undefined>;
  /** Asks for one move; a conflict with another operation is not an error, and is looked at again. */
  readonly ask: (move: Move, input: VacateInput, requestedBy: string) => Promise<void>;
  /** What the operations came to that were asked for in this one's name. */
  readonly report: (operationId: string) => Promise<MoveReport>;
}

export function vacateOperation<Tx>({ occupants, ask, report }: Parts): OperationDefinition<Tx, VacateInput> {
  async function move({ input, operationId }: StepContext<VacateInput>): Promise<StepOutcome<Tx>> {
    const left = await occupants(input.hostIds);
    if (left === undefined) return { outcome: 'done', detail: { stopped: 'the hosts are in use again', ...(await report(operationId)) } };
    if (left.length === 0) return { outcome: 'done', detail: { left: 0, ...(await report(operationId)) } };
    await Promise.all(chooseMoves(left, input.hostsLost, MOVES_AT_ONCE).map((one) => ask(one, input, operationId)));
    const primaries = left.filter(({ role }) => role === 'primary').length;
    return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason: `${primaries} primaries and ${left.length - primaries} standbys are left` };
  }
  return {
    kind: VACATE,
    does: 'empties hosts',
    input: vacateInputSchema,
    exclusive: true,
    queue: 'bulk',
    deadlineMs: 4 * 60 * 60_000,
    preempts: (kind) => kind === VACATE,
    pointOfNoReturn: 'move',
    steps: [{ name: 'move', does: 'move every instance away, a few at a time', timeoutMs: 60_000, attempts: 240, onFailure: 'persist', run: move }],
  };
}
