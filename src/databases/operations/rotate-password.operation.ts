import { z } from 'zod';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecords, primaryOf, routeTo } from '../database-records.js';

/**
 * Gives the owner a new password, beside the older one for a time, or ends that time.
 *
 * Invariants:
 * - an older password ends by itself, in PostgreSQL, whatever becomes of the control plane;
 * - the record, the instance and the route's file end up with the same verifier; the pooler asks the server for it, and
 *   recovered metadata take it from the route's file;
 * - the record is written first, so that every later opening of the route writes the newest verifier.
 */
export const ROTATE_PASSWORD = 'rotate-password';

const verifier = z.string().startsWith('SCRAM-SHA-256$');
/** How the owner logs in from then on; `verifier` is that of the owner's own name. */
const inputSchema = z.strictObject({
  databaseId: z.string(), verifier, ownerUntil: z.iso.datetime().nullable().default(null),
  logins: z.array(z.strictObject({ name: z.string(), verifier, until: z.iso.datetime().nullable() })).default([]),
});
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function rotatePasswordOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input> {
  const step = steps(parts);
  return {
    kind: ROTATE_PASSWORD,
    does: "replaces the owner's password",
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 2 * 60_000,
    preempts: ({ hasBegun }) => !hasBegun,
    pointOfNoReturn: 'record',
    steps: [
      { name: 'record', does: 'record the new verifier', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: step.record },
      {
        name: 'set-on-primary', does: 'set it in the database',
        timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.setOnPrimary,
      },
      {
        name: 'set-on-gateway', does: 'set it on the endpoint',
        timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.setOnGateway,
      },
    ],
  };
}

function steps<Tx>({ engine, records }: Parts<Tx>) {
  type Context = StepContext<Input>;
  type Outcome = Promise<StepOutcome<Tx>>;

  async function record({ input: { databaseId, verifier: ownerVerifier, ownerUntil, logins } }: Context): Outcome {
    return { outcome: 'next', record: (tx) => records.setOwnerLogins(tx, databaseId, { ownerVerifier, ownerUntil, logins }) };
  }

  async function setOnPrimary(context: Context): Outcome {
    const database = await records.read(context.input.databaseId);
    await engine.instances.setOwnerVerifier(primaryOf(database).ref, context.input.verifier, context);
    return { outcome: 'next' };
  }

  async function setOnGateway(context: Context): Outcome {
    const database = await records.read(context.input.databaseId);
    await engine.gateway.open(routeTo(database), context);
    return { outcome: 'done' };
  }

  return { record, setOnPrimary, setOnGateway };
}
