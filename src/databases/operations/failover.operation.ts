import { z } from 'zod';
import type { Engine, InstanceObservation } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecord, type DatabaseRecords, type MemberRecord, primaryOf, standbysOf } from '../database-records.js';
import type { DatabaseState } from '../derive-state.js';
import { type Candidate, type Election, electStandby, MOST_PROMOTIONS } from '../elect-standby.js';
import { abortSteps } from './abort-steps.js';
import { LOOK_AGAIN_MS, type PromotionFound, promotionSteps } from './promotion-steps.js';
import { PROMOTION_TRAITS, promotionTail } from './promotion-tail.js';
import { synchronizeSteps } from './synchronize-steps.js';

/**
 * Promotes a standby because the primary is lost.
 *
 * Invariants:
 * - the old primary is fenced before anything is elected; if it cannot be fenced, nothing is promoted (protocol rule 5);
 * - only a standby that is recorded in sync is promoted, unless an operator accepted the loss (protocol rules 4 and 12);
 * - nothing routes to the new primary before its promotion is recorded (protocol rule 9);
 * - if nobody can be promoted, the old primary goes on (protocol rule 8);
 * - the last copy that has everything is never touched to make another one (protocol rule 10).
 */
export const FAILOVER = 'failover';

const inputSchema = z.strictObject({
  databaseId: z.string(),
  /** The epoch whose primary is lost; a failover that was done already is not done again. */
  epoch: z.number().int(),
  reason: z.string(),
  /** An operator's decision: go on although the primary answers, and whatever the standby lacks. */
  forced: z.boolean(),
  acceptDataLoss: z.boolean(),
});
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function failoverOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, PromotionFound> {
  const step = steps(parts);
  return {
    kind: FAILOVER,
    does: 'promotes a standby because the primary is lost',
    input: inputSchema,
    exclusive: true,
    queue: 'failover',
    deadlineMs: 5 * 60_000,
    // A database that is being deleted is not brought back.
    preempts: ({ purpose, ownsPromotion }) => purpose !== 'deletion' && !ownsPromotion,
    pointOfNoReturn: 'fence',
    traits: {
      ...PROMOTION_TRAITS, purpose: 'failover', shows: 'failing-over' satisfies DatabaseState, primary: 'lost',
      awaitsInstancesAt: ['confirm'], interruptsFrom: 'fence',
      // At its first step it has done nothing yet: a failover that may lose data ends a failover that waits because it may not. After
      // the route another loss of the primary is a failover of its own. In between it alone knows whom it asked to be promoted,
      // and must find out what became of that (protocol rules 7 and 8).
      ownsPromotionAt: ['fence', 'elect', 'promote', 'route', 'check-candidate', 'abort', 'hold'],
    },
    steps: [
      {
        name: 'confirm', does: 'look once more at the primary and at the standbys that are recorded in sync',
        timeoutMs: 5_000, attempts: 3, onFailure: { goTo: 'abort' }, run: step.confirm,
      },
      {
        name: 'fence', does: 'mark the old primary, kill it, cut its clients',
        timeoutMs: 10_000, attempts: 3, onFailure: { goTo: 'abort' }, run: step.fence,
      },
      {
        name: 'elect', does: 'choose the standby with the most WAL',
        timeoutMs: 5_000, attempts: 3, onFailure: { goTo: 'abort' }, run: step.elect,
      },
      {
        name: 'promote', does: 'make it the primary, one epoch higher',
        timeoutMs: 10_000, attempts: 2, onFailure: { goTo: 'check-candidate' }, run: step.promote,
      },
      ...promotionTail(step, { abortFails: 'fence' }),
    ],
  };
}

function steps<Tx>(parts: Parts<Tx>) {
  const { engine, records } = parts;
  type Context = StepContext<Input, PromotionFound>;
  type Outcome = Promise<StepOutcome<Tx, PromotionFound>>;

  async function confirm(context: Context): Outcome {
    const { databaseId, epoch, forced, acceptDataLoss } = context.input;
    const record = await records.read(databaseId);
    if (record.epoch !== epoch) return { outcome: 'done', detail: { nothingToDo: `epoch ${epoch} is over` } };
    const [primary, standbys] = await Promise.all([
      engine.instances.observe(primaryOf(record).ref, context.signal), observeAll(standbysOf(record), context.signal),
    ]);
    if (!forced && primary.process === 'running') return { outcome: 'done', detail: { nothingToDo: 'the primary answers' } };
    // Fencing without anybody to promote would make an outage longer than it is (protocol rule 15).
    const election = chooseFrom(record, standbys, acceptDataLoss, primary);
    if ('nobody' in election) return waitForSomebody(record, standbys, election.nobody, context);
    return { outcome: 'next', detail: { primary: primary.process, inSync: record.inSync, reason: context.input.reason } };
  }

  async function fence(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const primary = primaryOf(record);
    // Side by side, because clients wait, and recorded once both are done: a route that is closed early lets nobody write.
    // An operator who accepts a loss may want the lost data back (protocol rule 12).
    await Promise.all([
      engine.instances.fence(primary.ref, context, { keep: context.input.acceptDataLoss }), engine.gateway.close(record.spec, context),
    ]);
    return {
      outcome: 'next', detail: { fenced: primary.ref.id, host: primary.ref.host },
      // If the old primary could not go on either, every standby may be elected again.
      found: { failedPromotions: {} },
      record: (tx) => records.setMember(tx, primary.ref.id, { state: 'fenced' }),
    };
  }

  async function elect(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const [primary, seen] = await Promise.all([
      engine.instances.observe(primaryOf(record).ref, context.signal), observeAll(standbysOf(record), context.signal),
    ]);
    const election = chooseFrom(record, seen, context.input.acceptDataLoss, primary, context.found.failedPromotions);
    if ('nobody' in election) {
      return election.isFinal ? { outcome: 'give-up', reason: election.nobody } : waitForSomebody(record, seen, election.nobody, context);
    }
    const { lsn, marked } = seen.get(election.elected) ?? {};
    return {
      outcome: 'next', found: { candidate: election.elected, revived: marked === true }, detail: { elected: election.elected, lsn },
    };
  }

  /** Starts standbys that are down or hang: one of them may be the missing candidate. The next look shows whether they started. */
  async function waitForSomebody(
    record: DatabaseRecord, seen: ReadonlyMap<string, InstanceObservation>, reason: string, context: Context,
  ): Outcome {
    const down = standbysOf(record).filter(({ ref, state }) => {
      const { process, marked, exists } = seen.get(ref.id) ?? {};
      return (state === 'running' || context.input.acceptDataLoss) && (process === 'stopped' || process === 'hung')
        && exists === true && marked === false;
    });
    await Promise.allSettled(down.map(({ ref }) => engine.instances.start(ref, context)));
    return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason };
  }

  async function observeAll(members: readonly MemberRecord[], signal: AbortSignal): Promise<ReadonlyMap<string, InstanceObservation>> {
    return new Map(await Promise.all(members.map(async ({ ref }) => [ref.id, await engine.instances.observe(ref, signal)] as const)));
  }

  const promotion = promotionSteps<Tx>(parts, { otherwise: 'elect', keepsCopies: (input) => (input as Input).acceptDataLoss });
  const aborting = abortSteps<Tx, PromotionFound>(parts);
  const { synchronize, widen, finish } = synchronizeSteps<Tx, PromotionFound>(parts, { widen: 'widen', next: 'finish' });
  return { confirm, fence, elect, ...promotion, ...aborting, synchronize, widen, finish };
}

/**
 * By itself Freehold elects a standby that is not being rebuilt. If an operator accepts a loss, any instance that answers as
 * a standby may be elected; if none does and the primary's files are gone, an earlier primary that is still fenced is the
 * best copy left (protocol rule 12).
 */
function chooseFrom(
  record: DatabaseRecord, seen: ReadonlyMap<string, InstanceObservation>, acceptDataLoss: boolean, primary: InstanceObservation,
  failedPromotions: PromotionFound['failedPromotions'] = {},
): Election {
  const election = electStandby(record.inSync, candidatesOf(record, seen, acceptDataLoss, failedPromotions), acceptDataLoss);
  if ('elected' in election || !acceptDataLoss || primary.exists) return election;
  const fenced = standbysOf(record)
    .find(({ ref }) => seen.get(ref.id)?.exists && seen.get(ref.id)?.marked && (failedPromotions[ref.id] ?? 0) < MOST_PROMOTIONS);
  return fenced ? { elected: fenced.ref.id } : election;
}

function candidatesOf(
  record: DatabaseRecord, seen: ReadonlyMap<string, InstanceObservation>, acceptDataLoss: boolean,
  failedPromotions: Readonly<Record<string, number>>,
): Candidate[] {
  return standbysOf(record).map(({ ref, state }) => {
    const { process, role, marked, lsn } = seen.get(ref.id) ?? {};
    const answers = (state === 'running' || acceptDataLoss) && process === 'running' && role === 'standby' && marked === false;
    return { instanceId: ref.id, answers, failedPromotions: failedPromotions[ref.id] ?? 0, ...(lsn !== undefined && { lsn }) };
  });
}
