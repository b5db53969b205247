import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf } from '../database-records.js';

/**
 * Takes an extension out of a database.
 *
 * Invariant: nothing of the customer's goes with it; while something rests on it, it stays.
 */
export const DROP_EXTENSION = 'drop-extension';

const inputSchema = z.strictObject({ databaseId: z.string(), name: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function dropExtensionOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function drop(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, name } = context.input;
    await engine.instances.dropExtension(primaryOf(await records.read(databaseId)).ref, name, context);
    return { outcome: 'done', detail: { name } };
  }
  return {
    kind: DROP_EXTENSION,
    does: 'takes an extension out of a database',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 5 * 60_000,
    preempts: () => false,
    steps: [{ name: 'drop', does: 'drop it, unless something rests on it', timeoutMs: 30_000, attempts: 3, onFailure: 'undo', run: drop }],
  };
}
