import { z } from 'zod';
import { EngineError } from '../../engine/errors.js';
import type { Engine, OpenTransaction } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecord, type DatabaseRecords, primaryOf, routeTo, standbysOf } from '../database-records.js';
import { decidePause, describeTransactions, MOST_MINUTES_TO_END, PAUSE_LIMIT_MS } from '../decide-pause.js';
import type { DatabaseState } from '../derive-state.js';
import { compareLsns, electStandby } from '../elect-standby.js';
import { abortSteps } from './abort-steps.js';
import { LOOK_AGAIN_MS, memberOf, type PromotionFound, promotionSteps } from './promotion-steps.js';
import { PROMOTION_TRAITS, promotionTail } from './promotion-tail.js';
import { synchronizeSteps } from './synchronize-steps.js';

/**
 * Makes a standby the primary, as planned, and the old primary its standby.
 *
 * Invariants:
 * - the clients of the pooled endpoint wait a moment and see no error;
 * - nobody is paused while a transaction is open that the pause would have to wait for; until it begins, anything else that
 *   the database needs ends it;
 * - the old primary is stopped cleanly and marked, and the standby has its last byte, before anything is promoted
 *   (protocol rule 6);
 * - if anything goes wrong before the promotion, the old primary goes on (protocol rule 8).
 */
export const SWITCHOVER = 'switchover';

/** How long one look at the open transactions may take, and after how many failed looks in a row the switchover gives up. */
const LOOK_WITHIN_MS = 10_000;
const LOOKS_THAT_FAIL = 5;
/** As many looks as last for the longest wait, and an hour. */
const MOST_LOOKS = (MOST_MINUTES_TO_END + 60) * 60_000 / LOOK_WITHIN_MS;

const inputSchema = z.strictObject({
  databaseId: z.string(), epoch: z.number().int(),
  /** An operator's word: transactions that are still in the way after so many minutes are ended. */
  endTransactionsAfterMinutes: z.number().int().min(0).max(MOST_MINUTES_TO_END).optional(),
});
type Input = z.output<typeof inputSchema>;
type Found = PromotionFound & {
  readonly lastLsn: string;
  /** How long the switchover has waited for transactions to end, and how often it paused clients in vain. */
  readonly waitedMs: number;
  readonly failedPauses: number;
};

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function switchoverOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, Found> {
  const step = steps(parts);
  return {
    kind: SWITCHOVER,
    does: 'makes a standby the primary, as planned',
    input: inputSchema,
    exclusive: true,
    queue: 'failover',
    deadlineMs: (MOST_MINUTES_TO_END + 120) * 60_000,
    preempts: () => false,
    pointOfNoReturn: 'pause',
    traits: {
      ...PROMOTION_TRAITS, shows: 'failing-over' satisfies DatabaseState, primary: 'ended', beginsAt: 'pause', idlesAt: ['quiet'],
      interruptsFrom: 'pause',
      ownsPromotionAt: ['promote', 'check-candidate', 'abort', 'hold'],
    },
    steps: [
      {
        name: 'quiet', does: 'wait, while clients go on, until no transaction is open for long',
        timeoutMs: LOOK_WITHIN_MS, attempts: MOST_LOOKS, onFailure: 'undo', run: step.quiet,
      },
      {
        name: 'elect', does: 'choose the standby in sync with the most WAL',
        timeoutMs: 5_000, attempts: 2, onFailure: 'undo', run: step.elect,
      },
      {
        name: 'checkpoint', does: 'write out what is in memory, while clients go on',
        timeoutMs: 120_000, attempts: 2, onFailure: 'undo', run: step.checkpoint,
      },
      {
        name: 'pause', does: 'let transactions end and new ones wait',
        timeoutMs: PAUSE_LIMIT_MS + 5_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.pause,
      },
      {
        name: 'stop', does: 'stop the old primary cleanly and mark it',
        timeoutMs: 20_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.stop,
      },
      {
        name: 'compare', does: 'see that the standby has the last byte',
        timeoutMs: 5_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.compare,
      },
      {
        name: 'promote', does: 'make it the primary, one epoch higher',
        timeoutMs: 10_000, attempts: 2, onFailure: { goTo: 'check-candidate' }, run: step.promote,
      },
      ...promotionTail(step, { abortFails: 'stop' }),
    ],
  };
}

function steps<Tx>(parts: Parts<Tx>) {
  const { engine, records } = parts;
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

  async function elect(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const seen = await Promise.all(standbysOf(record)
      .map(async ({ ref, state }) => ({ ref, state, ...(await engine.instances.observe(ref, context.signal)) })));
    const candidates = seen.map(({ ref, state, process, role, receiving, lsn }) => ({
      instanceId: ref.id, answers: state === 'running' && process === 'running' && role === 'standby' && receiving === true,
      ...(lsn !== undefined && { lsn }),
    }));
    const election = electStandby(record.inSync, candidates, false);
    if ('nobody' in election) {
      return {
        outcome: 'give-up', reason: election.nobody,
        hint: 'a switchover needs a standby that is in sync; wait until the database is available',
      };
    }
    return { outcome: 'next', found: { candidate: election.elected }, detail: { elected: election.elected } };
  }

  /** Clients wait for the checkpoint that the stop begins with; after this one it has little left to write. */
  async function checkpoint(context: Context): Outcome {
    await engine.instances.checkpoint(primaryOf(await records.read(context.input.databaseId)).ref, context.signal);
    return { outcome: 'next' };
  }

  async function stop(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const primary = primaryOf(record);
    const { clean, lsn } = await engine.instances.stopMarked(primary.ref, context);
    if (!clean || lsn === null) return { outcome: 'give-up', reason: 'the old primary could not be stopped cleanly' };
    return {
      outcome: 'next', found: { lastLsn: lsn }, detail: { lastLsn: lsn },
      record: (tx) => records.setMember(tx, primary.ref.id, { state: 'fenced' }),
    };
  }

  async function compare(context: Context): Outcome {
    const candidate = memberOf(await records.read(context.input.databaseId), context.found.candidate);
    if (!candidate) return { outcome: 'give-up', reason: 'the elected standby is gone' };
    const { lsn } = await engine.instances.observe(candidate.ref, context.signal);
    if (lsn === undefined || compareLsns(lsn, context.found.lastLsn ?? 'FFFFFFFF/FFFFFFFF') < 0) {
      return { outcome: 'wait', forMs: LOOK_AGAIN_MS / 10, reason: 'the standby has not received the last byte yet' };
    }
    return { outcome: 'next', detail: { lsn } };
  }

  // The old primary is stopped, so that no standby can be elected again: if the promotion did not happen, it goes on.
  const promotion = promotionSteps<Tx>(parts, { otherwise: 'abort' });
  const aborting = abortSteps<Tx, Found>(parts);
  const { synchronize, widen, finish } = synchronizeSteps<Tx, Found>(parts, { widen: 'widen', next: 'finish' });
  return { ...pausingSteps(parts), elect, checkpoint, stop, compare, ...promotion, ...aborting, synchronize, widen, finish };
}

/** The steps from the first look at open transactions until clients are paused. */
function pausingSteps<Tx>({ engine, records }: Parts<Tx>) {
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

  async function quiet(context: Context): Outcome {
    const { found, input, sinceMs } = context;
    const record = await records.read(input.databaseId);
    if (record.epoch !== input.epoch) return { outcome: 'done', detail: { nothingToDo: `epoch ${input.epoch} is over` } };
    const open = await look(record, context);
    const waitedMs = (found.waitedMs ?? 0) + sinceMs;
    const decided = decide(open, context, waitedMs);
    if (decided.decision === 'pause') {
      return { outcome: 'next', found: { waitedMs }, detail: { waitedSeconds: Math.round(waitedMs / 1_000) } };
    }
    if (decided.decision === 'end') {
      await engine.instances.endTransactions(primaryOf(record).ref, decided.transactions, context);
      return { outcome: 'next', to: 'quiet', found: { waitedMs }, detail: { ended: describeTransactions(decided.transactions) } };
    }
    const reason = decided.for.length > 0 ? describeTransactions(decided.for) : 'transactions that did not end in time';
    if (decided.decision === 'give-up') {
      return {
        outcome: 'give-up', reason: `it does not become quiet: ${reason}`,
        hint: 'end it, or ask again and say after how many minutes it is to be ended',
      };
    }
    context.report({ transactions: decided.for });
    return { outcome: 'wait', forMs: decided.forMs, reason };
  }

  /** Looks once more, since the steps before may have taken long; if transactions still do not end, it waits again. */
  async function pause(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const open = await look(record, context);
    if (decide(open, context, context.found.waitedMs ?? 0, Infinity).decision !== 'pause') {
      // An earlier attempt may have paused them.
      if (context.attempt > 1) await engine.gateway.open(routeTo(record), context);
      return { outcome: 'next', to: 'quiet' };
    }
    try {
      await engine.gateway.pause(record.spec, PAUSE_LIMIT_MS, context);
      return { outcome: 'next' };
    } catch (error) {
      if (!(error instanceof EngineError) || error.kind !== 'transient' || context.signal.aborted) throw error;
      await engine.gateway.open(routeTo(record), context);
      return {
        outcome: 'next', to: 'quiet', found: { failedPauses: (context.found.failedPauses ?? 0) + 1 },
        detail: { pausedInVain: error.message },
      };
    }
  }

  /** A switchover does not wait for a primary that does not answer: the watcher judges that primary. */
  async function look(record: DatabaseRecord, context: Context): Promise<readonly OpenTransaction[]> {
    try {
      return await engine.instances.openTransactions(primaryOf(record).ref, context.signal);
    } catch (error) {
      if (context.attempt < LOOKS_THAT_FAIL || !(error instanceof EngineError) || error.kind === 'superseded') throw error;
      throw new EngineError(
        'permanent', `the primary does not say what is open: ${error.message}`, 'see whether it is well', { cause: error },
      );
    }
  }

  const decide = (
    transactions: readonly OpenTransaction[], { found, input, sinceMs }: Context, waitedMs: number, sinceFailureMs = sinceMs,
  ) => decidePause({
    transactions, waitedMs, sinceFailureMs, failures: found.failedPauses ?? 0,
    endAfterMs: input.endTransactionsAfterMinutes === undefined ? null : input.endTransactionsAfterMinutes * 60_000,
  });

  return { quiet, pause };
}
