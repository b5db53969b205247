import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import type { DatabaseRecords } from '../database-records.js';

/**
 * Removes a copy of an instance's data that a forced failover moved aside (protocol rule 12).
 *
 * Invariant: nothing but what an operator named is removed, and never an instance's present data.
 */
export const RELEASE_KEPT = 'release-kept';

const inputSchema = z.strictObject({ databaseId: z.string(), instanceId: z.string(), keptId: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function releaseKeptOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function remove(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, instanceId, keptId } = context.input;
    const kept = (await records.read(databaseId)).kept.find((copy) => copy.ref.id === instanceId && copy.keptId === keptId);
    if (!kept) return { outcome: 'done', detail: { nothingToDo: 'the copy is gone' } };
    await engine.instances.releaseKept(kept.ref, keptId, context);
    return { outcome: 'done', detail: { host: kept.ref.host }, record: (tx) => records.forgetKept(tx, instanceId, keptId) };
  }
  return {
    kind: RELEASE_KEPT,
    does: 'removes a copy that a forced failover kept',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 30 * 60_000,
    preempts: ({ hasBegun }) => !hasBegun,
    pointOfNoReturn: 'remove',
    steps: [
      { name: 'remove', does: 'remove its files and forget it', timeoutMs: 120_000, attempts: 10, onFailure: 'persist', run: remove },
    ],
  };
}
