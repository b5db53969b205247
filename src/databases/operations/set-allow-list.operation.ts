import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import type { DatabaseRecords } from '../database-records.js';

/**
 * Says from where clients may connect to a database.
 *
 * Invariants:
 * - the list is recorded first, so that every later opening of the route has it;
 * - what is recorded and was not told to the endpoint, because a failover or a deletion ended the operation in between, is recorded as
 *   such, and told by another operation.
 */
export const SET_ALLOW_LIST = 'set-allow-list';

const inputSchema = z.strictObject({ databaseId: z.string(), allowList: z.array(z.string()) });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function setAllowListOperation<Tx>({ engine, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  type Outcome = Promise<StepOutcome<Tx>>;

  async function record({ input: { databaseId, allowList } }: StepContext<Input>): Outcome {
    return { outcome: 'next', record: (tx) => records.setAllowList(tx, databaseId, allowList) };
  }

  async function enforce(context: StepContext<Input>): Outcome {
    const { databaseId } = context.input;
    const { cut } = await engine.gateway.restrict((await records.read(databaseId)).spec, context);
    return { outcome: 'done', detail: { cut }, record: (tx) => records.setAllowListEnforced(tx, databaseId) };
  }

  return {
    kind: SET_ALLOW_LIST,
    does: 'says from where clients may connect',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 2 * 60_000,
    preempts: ({ hasBegun }) => !hasBegun,
    pointOfNoReturn: 'record',
    steps: [
      { name: 'record', does: 'record the networks', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: record },
      {
        name: 'enforce', does: 'let nobody else in at the endpoint, and cut who is in from elsewhere',
        timeoutMs: 30_000, attempts: 5, onFailure: 'persist', run: enforce,
      },
    ],
  };
}
