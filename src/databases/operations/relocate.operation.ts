import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf, routeTo, standbysOf } from '../database-records.js';
import { memberOf } from './promotion-steps.js';

/**
 * Moves a standby to another host: a new one is made and in sync before the old one goes.
 *
 * Invariants:
 * - the database has at all times as many standbys in sync as it had before;
 * - the old standby is destroyed only when it is neither recorded in sync nor named (protocol rules 3b and 10);
 * - on a host that is lost nothing is touched: its instance is forgotten, and what is forgotten is never started
 *   (protocol rule 14).
 */
export const RELOCATE = 'relocate';

const inputSchema = z.strictObject({ databaseId: z.string(), instanceId: z.string(), hostLost: z.boolean() });
type Input = z.output<typeof inputSchema>;
type Found = { readonly newId: string };

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
  /** Chooses a host for one more standby, which is to replace the named one, and writes it down under that id. */
  readonly reserveStandby: (tx: Tx, databaseId: string, replacedId: string, newId: string) => Promise<void>;
  readonly newInstanceId: () => string;
}

export function relocateOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, Found> {
  const step = steps(parts);
  return {
    kind: RELOCATE,
    does: 'moves a standby to another host',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 60 * 60_000,
    preempts: ({ hasBegun }) => !hasBegun,
    pointOfNoReturn: 'shrink',
    steps: [
      { name: 'place', does: 'reserve another host', timeoutMs: 10_000, attempts: 3, onFailure: 'undo', run: step.place },
      {
        name: 'attach', does: 'copy the primary to it and let it stream',
        timeoutMs: 30 * 60_000, attempts: 3, onFailure: 'undo', run: step.attach, undo: step.detach,
      },
      {
        name: 'grow', does: 'record the new standby in sync',
        timeoutMs: 60_000, attempts: 5, onFailure: 'undo', run: step.grow, undo: step.recordAlone,
      },
      {
        name: 'load', does: 'let commits wait for any of those recorded',
        timeoutMs: 30_000, attempts: 5, onFailure: 'undo', run: step.load,
      },
      {
        name: 'shrink', does: 'let commits wait for the others alone, then record the old standby out of sync',
        timeoutMs: 60_000, attempts: 10, onFailure: 'persist', run: step.shrink,
      },
      {
        name: 'remove', does: 'destroy the old standby and forget it',
        timeoutMs: 60_000, attempts: 10, onFailure: 'persist', run: step.remove,
      },
    ],
  };
}

function steps<Tx>({ engine, records, reserveStandby, newInstanceId }: Parts<Tx>) {
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

  async function place({ input }: Context): Outcome {
    const record = await records.read(input.databaseId);
    const old = memberOf(record, input.instanceId);
    if (!old) return { outcome: 'done', detail: { nothingToDo: 'the instance is gone' } };
    if (old.role === 'primary') return { outcome: 'give-up', reason: 'the instance is the primary', hint: 'switch over first' };
    const newId = newInstanceId();
    return { outcome: 'next', found: { newId }, record: (tx) => reserveStandby(tx, input.databaseId, input.instanceId, newId) };
  }

  async function attach(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const added = memberOf(record, context.found.newId);
    if (!added) return { outcome: 'give-up', reason: 'the reserved place is gone' };
    const seen = await engine.instances.attachStandby(added.ref, primaryOf(record).ref, context);
    return {
      outcome: 'next', detail: { host: added.ref.host },
      record: (tx) => records.setMember(tx, added.ref.id, { state: 'running', port: seen.port ?? null }),
    };
  }

  /** Removes the new standby again; the other standbys stay named and recorded in sync as they were. */
  async function detach(context: Context) {
    const record = await records.read(context.input.databaseId);
    const added = memberOf(record, context.found.newId);
    if (!added) return undefined;
    const primary = primaryOf(record).ref;
    const staying = record.inSync.filter((id) => id !== added.ref.id);
    await engine.instances.setSynchronousStandbys(primary, staying, context);
    await engine.instances.destroy(added.ref, context);
    await engine.instances.dropSlot(primary, added.ref.id, context);
    return async (tx: Tx): Promise<void> => {
      await records.setInSync(tx, context.input.databaseId, staying);
      await records.forgetMembers(tx, [added.ref.id]);
    };
  }

  async function remove(context: Context): Outcome {
    const { databaseId, instanceId, hostLost } = context.input;
    const record = await records.read(databaseId);
    const old = standbysOf(record).find(({ ref }) => ref.id === instanceId);
    if (!old) return { outcome: 'done' };
    // New sessions that only read are no longer led to the standby that goes.
    await engine.gateway.open(routeTo(record), context);
    if (!hostLost) await engine.instances.destroy(old.ref, context, { spareKept: true });
    const kept = hostLost ? [] : await engine.instances.keptCopies(old.ref, context.signal);
    await engine.instances.dropSlot(primaryOf(record).ref, instanceId, context);
    return {
      outcome: 'done', detail: { left: old.ref.host },
      record: async (tx) => {
        await records.addKept(tx, old.ref, kept);
        await records.forgetMembers(tx, [instanceId]);
      },
    };
  }

  return { place, attach, detach, remove, ...synchronySteps({ engine, records }) };
}

/** The changes of who is in sync: first one more, then one less. */
function synchronySteps<Tx>({ engine, records }: Pick<Parts<Tx>, 'engine' | 'records'>) {
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

  /** Before commits stop waiting for the new standby alone, the record says that nothing is in sync (protocol rule 3a). */
  async function recordAlone({ input, found }: Context) {
    const { inSync } = await records.read(input.databaseId);
    const isAlone = inSync.length > 0 && inSync.every((id) => id === found.newId);
    return isAlone ? (tx: Tx): Promise<void> => records.setInSync(tx, input.databaseId, []) : undefined;
  }

  /**
   * To grow, the record comes first and the names follow (protocol rule 3b). Where nothing is in sync, as when the old
   * standby's host is lost, the new one alone is named, and recorded once it has everything (rule 3c).
   */
  async function grow(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const { newId } = context.found;
    if (newId === undefined) return { outcome: 'give-up', reason: 'the reserved place is gone' };
    const primary = primaryOf(record).ref;
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, record.inSync.length > 0 ? record.inSync : [newId], context);
    await engine.instances.waitForFlush(primary, newId, lsn, context);
    return { outcome: 'next', record: (tx) => records.setInSync(tx, context.input.databaseId, [...new Set([...record.inSync, newId])]) };
  }

  async function load(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    await engine.instances.setSynchronousStandbys(primaryOf(record).ref, record.inSync, context);
    return { outcome: 'next', detail: { inSync: record.inSync } };
  }

  /** To shrink, the names come first, everything written before is flushed by those that stay, and then the record (protocol rule 3b). */
  async function shrink(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const primary = primaryOf(record).ref;
    const staying = record.inSync.filter((id) => id !== context.input.instanceId);
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, staying, context);
    await Promise.all(staying.map((id) => engine.instances.waitForFlush(primary, id, lsn, context)));
    return { outcome: 'next', detail: { inSync: staying }, record: (tx) => records.setInSync(tx, context.input.databaseId, staying) };
  }

  return { recordAlone, grow, load, shrink };
}
