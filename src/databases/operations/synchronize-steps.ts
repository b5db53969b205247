import type { Engine } from '../../engine/ports.js';
import type { StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, type MemberRecord, primaryOf, routeTo, standbysOf } from '../database-records.js';

type Input = { databaseId: string };

/**
 * The way back into synchrony, in the order of protocol rule 3: the standby streams, then it alone is named, then it has
 * flushed everything, and only then it is recorded in sync. Others follow by growing: the record first, then the names.
 *
 * Both steps go on at `then` when there is nothing (more) to do.
 */
export function synchronizeSteps<Tx, Found>(
  { engine, records }: { readonly engine: Engine; readonly records: DatabaseRecords<Tx> },
  then: { readonly widen: string; readonly next: string },
) {
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

  const canFollow = ({ role, state }: MemberRecord): boolean => role === 'standby' && state === 'running';

  /** From nothing: exactly one name, loaded, everything flushed that was written before, and only then the record (protocol rule 3c). */
  async function synchronize(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const standbys = standbysOf(record).filter(canFollow);
    if (record.inSync.length > 0) return { outcome: 'next', to: then.widen };
    const [first] = standbys;
    if (!first) return { outcome: 'next', to: then.next };
    const primary = primaryOf(record).ref;
    const { lsn } = await engine.instances.setSynchronousStandbys(primary, [first.ref.id], context);
    await engine.instances.waitForFlush(primary, first.ref.id, lsn, context);
    return {
      outcome: 'next', to: standbys.length > 1 ? then.widen : then.next, detail: { inSync: [first.ref.id] },
      record: (tx) => records.setInSync(tx, context.input.databaseId, [first.ref.id]),
    };
  }

  /**
   * To grow, the record comes first and the names follow (protocol rule 3b). The record is this step's to write, so it
   * takes the step twice: once to record those that have caught up, once to load the names of those recorded.
   */
  async function widen(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const ids = standbysOf(record).filter(canFollow).map(({ ref }) => ref.id);
    const primary = primaryOf(record).ref;
    if (ids.some((id) => !record.inSync.includes(id))) {
      const { lsn } = await engine.instances.setSynchronousStandbys(primary, record.inSync, context);
      await Promise.all(ids.map((id) => engine.instances.waitForFlush(primary, id, lsn, context)));
      return { outcome: 'next', to: then.widen, record: (tx) => records.setInSync(tx, context.input.databaseId, ids) };
    }
    await engine.instances.setSynchronousStandbys(primary, record.inSync, context);
    return { outcome: 'next', to: then.next, detail: { inSync: record.inSync } };
  }

  /** Sessions that only read begin from now on where the record says that everything has arrived. */
  async function finish(context: Context): Outcome {
    await engine.gateway.open(routeTo(await records.read(context.input.databaseId)), context);
    return { outcome: 'next' };
  }

  return { synchronize, widen, finish };
}
