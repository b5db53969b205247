import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import type { DatabaseRecords } from '../database-records.js';

/**
 * Takes a database away: its routes, its instances with their files and accounts, and its secrets.
 *
 * Invariants:
 * - it goes only forward from its first step on: half a database is of no use to anybody;
 * - clients are cut before anything is destroyed, so that nobody writes into what is going away;
 * - what they wrote is archived before, so that an undelete brings all of it back;
 * - it ends any other change but a running failover, whose outcome has to be known first.
 */
export const DELETE = 'delete';

/** Backups, and the key that opens them, outlive their database for so many days (`design.md`, part 4). */
export const KEPT_DAYS = 7;

const inputSchema = z.strictObject({ databaseId: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function deleteOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input> {
  const step = steps(parts);
  return {
    kind: DELETE,
    does: 'takes a database away; its backups stay for a while',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 5 * 60_000,
    preempts: (kind) => kind !== 'failover' && kind !== DELETE,
    pointOfNoReturn: 'close-routes',
    steps: [
      { name: 'close-routes', does: 'cut the clients and take the endpoint away', timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.closeRoutes },
      { name: 'archive', does: 'archive the last of what was written, so that all of it can be brought back', timeoutMs: 15_000, attempts: 2, onFailure: { goTo: 'destroy-instances' }, run: step.archive },
      { name: 'destroy-instances', does: 'end every process of the instances and remove their files', timeoutMs: 60_000, attempts: 5, onFailure: 'persist', run: step.destroyInstances },
    ],
  };
}

function steps<Tx>({ engine, records }: Parts<Tx>) {
  type Context = StepContext<Input>;

  async function closeRoutes(context: Context): Promise<StepOutcome<Tx>> {
    const record = await records.read(context.input.databaseId);
    await engine.gateway.remove(record.spec, context);
    // From here on nothing may be promoted any more: there is nothing to fail over to.
    return { outcome: 'next', record: (tx) => records.setInSync(tx, context.input.databaseId, []) };
  }

  /** What cannot be archived in time is not waited for: the customer wants the database gone. */
  async function archive(context: Context): Promise<StepOutcome<Tx>> {
    const { members } = await records.read(context.input.databaseId);
    const primary = members.find(({ role, state, hostLost }) => role === 'primary' && state === 'running' && !hostLost);
    if (primary) await engine.backups?.archiveNow(primary.ref, context);
    return { outcome: 'next' };
  }

  async function destroyInstances(context: Context): Promise<StepOutcome<Tx>> {
    const record = await records.read(context.input.databaseId);
    await Promise.all(record.members.map(({ ref }) => engine.instances.destroy(ref, context)));
    // What was moved aside of instances that are gone is left; of the others it went with them.
    await Promise.all(record.kept.map(({ ref, keptId }) => engine.instances.releaseKept(ref, keptId, context)));
    return {
      outcome: 'done',
      detail: { destroyed: record.members.map(({ ref }) => ref.host) },
      record: (tx) => records.setDeleted(tx, context.input.databaseId, KEPT_DAYS),
    };
  }

  return { closeRoutes, archive, destroyInstances };
}
