import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf, standbysOf } from '../database-records.js';
import { compareLsns, electStandby } from '../elect-standby.js';
import { abortSteps } from './abort-steps.js';
import { LOOK_AGAIN_MS, memberOf, type PromotionFound, promotionSteps } from './promotion-steps.js';
import { promotionTail } from './promotion-tail.js';
import { synchronizeSteps } from './synchronize-steps.js';

/**
 * Makes a standby the primary, as planned, and the old primary its standby.
 *
 * Invariants:
 * - the clients of the pooled endpoint wait a moment and see no error;
 * - the old primary is stopped cleanly and marked, and the standby has its last byte, before anything is promoted
 *   (protocol rule 6);
 * - whatever goes wrong before the promotion, the old primary goes on (protocol rule 8).
 */
export const SWITCHOVER = 'switchover';

/** How long running transactions may keep a switchover waiting. */
const PAUSE_LIMIT_MS = 5_000;

const inputSchema = z.strictObject({ databaseId: z.string(), epoch: z.number().int() });
type Input = z.output<typeof inputSchema>;
type Found = PromotionFound & { readonly lastLsn: string };

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
    deadlineMs: 5 * 60_000,
    preempts: () => false,
    pointOfNoReturn: 'pause',
    steps: [
      { name: 'elect', does: 'choose the standby in sync with the most WAL', timeoutMs: 5_000, attempts: 2, onFailure: 'undo', run: step.elect },
      { name: 'checkpoint', does: 'write out what is in memory, while clients go on', timeoutMs: 120_000, attempts: 2, onFailure: 'undo', run: step.checkpoint },
      { name: 'pause', does: 'let transactions end and new ones wait', timeoutMs: PAUSE_LIMIT_MS + 5_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.pause },
      { name: 'stop', does: 'stop the old primary cleanly and mark it', timeoutMs: 20_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.stop },
      { name: 'compare', does: 'see that the standby has the last byte', timeoutMs: 5_000, attempts: 1, onFailure: { goTo: 'abort' }, run: step.compare },
      { name: 'promote', does: 'make it the primary, one epoch higher', timeoutMs: 10_000, attempts: 2, onFailure: { goTo: 'check-candidate' }, run: step.promote },
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
    if (record.epoch !== context.input.epoch) return { outcome: 'done', detail: { nothingToDo: `epoch ${context.input.epoch} is over` } };
    const seen = await Promise.all(standbysOf(record).map(async ({ ref, state }) => ({ ref, state, ...(await engine.instances.observe(ref, context.signal)) })));
    const candidates = seen.map(({ ref, state, process, role, receiving, lsn }) => ({
      instanceId: ref.id, answers: state === 'running' && process === 'running' && role === 'standby' && receiving === true, ...(lsn !== undefined && { lsn }),
    }));
    const election = electStandby(record.inSync, candidates, false);
    if ('nobody' in election) return { outcome: 'give-up', reason: election.nobody, hint: 'a switchover needs a standby that is in sync; wait until the database is available' };
    return { outcome: 'next', found: { candidate: election.elected }, detail: { elected: election.elected } };
  }

  /** The one that the stop begins with finds little to do then, and clients wait for that one. */
  async function checkpoint(context: Context): Outcome {
    await engine.instances.checkpoint(primaryOf(await records.read(context.input.databaseId)).ref, context.signal);
    return { outcome: 'next' };
  }

  async function pause(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    await engine.gateway.pause(record.spec, PAUSE_LIMIT_MS, context);
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
  const { synchronize, widen } = synchronizeSteps<Tx, Found>(parts, { widen: 'widen', next: 'finish' });
  return { elect, checkpoint, pause, stop, compare, ...promotion, ...aborting, synchronize, widen };
}
