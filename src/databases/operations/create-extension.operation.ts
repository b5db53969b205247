import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf } from '../database-records.js';

/**
 * Makes an extension in a database.
 *
 * Invariants:
 * - only what the list of extensions allows is made (`extension-list.ts`);
 * - it is made in one transaction of the recorded primary, so that a failure leaves nothing.
 */
export const CREATE_EXTENSION = 'create-extension';

const inputSchema = z.strictObject({ databaseId: z.string(), name: z.string(), schema: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function createExtensionOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function create(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, name, schema } = context.input;
    const { made } = await engine.instances.createExtension(primaryOf(await records.read(databaseId)).ref, { name, schema }, context);
    return { outcome: 'done', detail: made ? { name, schema } : { nothingToDo: 'the database has it' } };
  }
  return {
    kind: CREATE_EXTENSION,
    does: 'makes an extension in a database',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 5 * 60_000,
    preempts: () => false,
    steps: [{
      name: 'create', does: 'run its script where nothing of the customer\'s is, and move it to its schema',
      timeoutMs: 30_000, attempts: 3, onFailure: 'undo', run: create,
    }],
  };
}
