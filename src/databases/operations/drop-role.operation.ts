import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf } from '../database-records.js';

/**
 * Removes a role of a customer's own.
 *
 * Invariants:
 * - it is shut out first, and stays shut out if the rest fails;
 * - nothing that it owned is lost: the owner has it then.
 */
export const DROP_ROLE = 'drop-role';

const inputSchema = z.strictObject({ databaseId: z.string(), name: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function dropRoleOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function drop(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, name } = context.input;
    await engine.instances.dropRole(primaryOf(await records.read(databaseId)).ref, name, context);
    return { outcome: 'done', detail: { name } };
  }
  return {
    kind: DROP_ROLE,
    does: 'removes a role of a customer\'s own',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 10 * 60_000,
    preempts: () => false,
    steps: [{
      name: 'drop', does: 'end its sessions, hand what it owns to the owner, and remove it',
      timeoutMs: 2 * 60_000, attempts: 4, onFailure: 'undo', run: drop,
    }],
  };
}
