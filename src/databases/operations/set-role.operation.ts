import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import { ROLE_ACCESS } from '../../engine/role-names.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf } from '../database-records.js';

/**
 * Makes a role of a customer's own, or gives it a new password.
 *
 * Invariants:
 * - only the verifier of the password is in the operation;
 * - what the role may do holds in every database before it can log in.
 */
export const SET_ROLE = 'set-role';

const inputSchema = z.strictObject({
  databaseId: z.string(), name: z.string(), access: z.enum(ROLE_ACCESS), verifier: z.string().startsWith('SCRAM-SHA-256$'),
  create: z.boolean(),
});
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function setRoleOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function set(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, ...wanted } = context.input;
    await engine.instances.setRole(primaryOf(await records.read(databaseId)).ref, wanted, context);
    return { outcome: 'done', detail: { name: wanted.name, access: wanted.access } };
  }
  return {
    kind: SET_ROLE,
    does: 'makes a role of a customer\'s own, or gives it a new password',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 10 * 60_000,
    preempts: () => false,
    steps: [{
      name: 'set', does: 'give its groups their rights in each database, and set the role',
      timeoutMs: 2 * 60_000, attempts: 4, onFailure: 'undo', run: set,
    }],
  };
}
