import { z } from 'zod';
import { EngineError } from '../../engine/errors.js';
import type { Engine, InstanceObservation } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecord, type DatabaseRecords, type MemberRecord, primaryOf, routeTo, standbysOf } from '../database-records.js';
import { LOOK_AGAIN_MS, type PromotionFound, promotionSteps } from './promotion-steps.js';
import { REDUNDANCY_TRAITS, redundancySteps } from './promotion-tail.js';
import { synchronizeSteps } from './synchronize-steps.js';

/**
 * Makes a database redundant again after it lost a standby: lets writes go on alone, then brings the standby back.
 *
 * Invariants:
 * - the record says that a standby is out of sync before commits stop waiting for it (protocol rule 3a);
 * - a standby counts again only when it has flushed everything (protocol rule 3c);
 * - nothing of an instance is touched while it is recorded in sync or named (protocol rule 10).
 */
export const REPROTECT = 'reprotect';

const inputSchema = z.strictObject({ databaseId: z.string(), reason: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function reprotectOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, PromotionFound> {
  const step = steps(parts);
  return {
    kind: REPROTECT,
    does: 'makes a database redundant again',
    input: inputSchema,
    exclusive: true,
    queue: 'failover',
    deadlineMs: 30 * 60_000,
    // An operation that already rebuilds does not see that another standby is lost; this one begins by looking.
    preempts: ({ hasBegun, rebuilds }) => !hasBegun || rebuilds,
    pointOfNoReturn: 'look',
    traits: { ...REDUNDANCY_TRAITS, reprotectsFrom: 'look' },
    steps: [
      { name: 'look', does: 'see which standbys follow', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: step.look },
      {
        name: 'record-alone', does: 'record that nothing is in sync',
        timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: step.recordAlone,
      },
      {
        name: 'write-alone', does: 'let commits go on without a standby',
        timeoutMs: 10_000, attempts: 5, onFailure: 'persist', run: step.writeAlone,
      },
      {
        name: 'shrink', does: 'let commits wait for those that follow alone, then record it',
        timeoutMs: 15_000, attempts: 5, onFailure: 'persist', run: step.shrink,
      },
      {
        name: 'restart', does: 'start standbys that are down, give those that follow a new slot for one that was lost',
        timeoutMs: 30_000, attempts: 2, onFailure: { goTo: 'protect' }, run: step.restart,
      },
      {
        name: 'protect', does: 'record which instances are rebuilt',
        timeoutMs: 10_000, attempts: 5, onFailure: 'persist', run: step.protect,
      },
      ...redundancySteps(step),
    ],
  };
}

/** How long a standby that was started may take until it streams. */
const STREAMING_WITHIN_MS = 5_000;

function steps<Tx>(parts: Parts<Tx>) {
  const { engine, records } = parts;
  type Context = StepContext<Input, PromotionFound>;
  type Outcome = Promise<StepOutcome<Tx, PromotionFound>>;

  async function look(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const { following, named } = await askPrimary(engine, record, context.signal);
    const lost = record.inSync.filter((id) => !following.has(id));
    const detail = { reason: context.input.reason, outOfSync: lost };
    // Commits may wait for a standby that was named and never recorded; while it is named it is not rebuilt either (protocol rule 10).
    if (record.inSync.length === 0 && named.some((id) => !following.has(id))) return { outcome: 'next', to: 'write-alone', detail };
    if (lost.length === 0) return { outcome: 'next', to: 'restart', detail };
    return { outcome: 'next', to: lost.length === record.inSync.length ? 'record-alone' : 'shrink', detail };
  }

  async function recordAlone(context: Context): Outcome {
    return { outcome: 'next', record: (tx) => records.setInSync(tx, context.input.databaseId, []) };
  }

  async function writeAlone(context: Context): Outcome {
    const primary = primaryOf(await records.read(context.input.databaseId));
    await engine.instances.setSynchronousStandbys(primary.ref, [], context);
    return { outcome: 'next', to: 'restart' };
  }

  /** Protocol rule 3b: the names, loaded; everything written before flushed by those that stay; then the record. */
  async function shrink(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const { following } = await askPrimary(engine, record, context.signal);
    const staying = record.inSync.filter((id) => following.has(id));
    if (staying.length === 0) return { outcome: 'next', to: 'record-alone' };
    const primary = primaryOf(record).ref;
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, staying, context);
    await Promise.all(staying.map((id) => engine.instances.waitForFlush(primary, id, lsn, context)));
    return { outcome: 'next', detail: { inSync: staying }, record: (tx) => records.setInSync(tx, context.input.databaseId, staying) };
  }

  /**
   * Often a standby is only down: started, it goes on from where it was. One whose slot was lost may go on, too, for as long as
   * the WAL that it needs happens to be there; it gets a slot that keeps it, and is rebuilt like any other if that comes too late.
   * New sessions that only read are no longer led to a standby that is out of sync.
   */
  async function restart(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const seen = await observeAll(engine, standbysOf(record), context.signal);
    const down = seen.filter(({ member, process, marked }) =>
      member.state === 'running' && !member.hostLost && process !== 'running' && !marked);
    const { following } = await askPrimary(engine, record, context.signal);
    await Promise.all([
      engine.gateway.open(routeTo(record), context),
      ...down.map(({ member }) => engine.instances.start(member.ref, context)),
      ...[...following].map((id) => engine.instances.provideSlot(primaryOf(record).ref, id, context)),
    ]);
    return { outcome: 'next', detail: { started: down.map(({ member }) => member.ref.host) } };
  }

  async function protect(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const { following } = await askPrimary(engine, record, context.signal);
    // One whose rebuilding nobody recorded as done is rebuilt again, even if it streams (protocol rule 10).
    const gone = standbysOf(record).filter(({ state, hostLost }) => hostLost && state !== 'lost');
    const lost = standbysOf(record)
      .filter(({ ref, state, hostLost }) => state !== 'lost' && !hostLost && (state !== 'running' || !following.has(ref.id)));
    // A standby that has just been started needs a moment to connect; it is rebuilt only if it stays away, hangs or is down.
    const away = await observeAll(engine, lost.filter(({ state }) => state === 'running'), context.signal);
    if (away.some(({ process }) => process === 'running' || process === 'starting') && context.sinceMs < STREAMING_WITHIN_MS) {
      return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason: 'a standby does not stream yet' };
    }
    if (lost.some(({ ref }) => record.inSync.includes(ref.id))) return { outcome: 'next', to: 'look' };
    return {
      outcome: 'next', to: lost.length > 0 ? 'rebuild' : 'synchronize', detail: { rebuilding: lost.map(({ ref }) => ref.host) },
      record: async (tx) => {
        for (const { ref } of lost) await records.setMember(tx, ref.id, { state: 'rebuilding' });
        for (const { ref } of gone) await records.setMember(tx, ref.id, { state: 'lost' });
      },
    };
  }

  const { rebuild } = promotionSteps<Tx>(parts, { otherwise: 'look' });
  const { synchronize, widen, finish } = synchronizeSteps<Tx, PromotionFound>(parts, { widen: 'widen', next: 'finish' });
  return { look, recordAlone, writeAlone, shrink, restart, protect, rebuild, synchronize, widen, finish };
}

/**
 * The standbys that stream from the primary, and those it is told to wait for. Without its answer nothing follows:
 * a dead primary's standbys are not out of sync, and must not be recorded so before a failover.
 */
async function askPrimary(
  engine: Engine, record: DatabaseRecord, signal: AbortSignal,
): Promise<{ readonly following: ReadonlySet<string>; readonly named: readonly string[] }> {
  const { ref } = primaryOf(record);
  const { role, standbys, synchronousStandbys } = await engine.instances.observe(ref, signal);
  if (role !== 'primary' || !standbys) throw new EngineError('transient', `primary ${ref.id} does not answer`);
  const following = standbys.filter(({ state }) => state === 'streaming').map(({ instanceId }) => instanceId);
  return { following: new Set(following), named: synchronousStandbys ?? [] };
}

async function observeAll(
  engine: Engine, members: readonly MemberRecord[], signal: AbortSignal,
): Promise<(InstanceObservation & { member: MemberRecord })[]> {
  return Promise.all(members.map(async (member) => ({ member, ...(await engine.instances.observe(member.ref, signal)) })));
}
