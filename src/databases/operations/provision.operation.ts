import { z } from 'zod';
import type { Vault } from '../../secrets/vault.js';
import type { Engine } from '../../engine/ports.js';
import type { OperationDefinition, Step, StepContext, StepOutcome } from '../../operations/definition.js';
import { synchronizeSteps } from './synchronize-steps.js';
import { type DatabaseRecord, type DatabaseRecords, primaryOf, routeTo, standbysOf } from '../database-records.js';
import type { DatabaseState } from '../derive-state.js';

/**
 * Makes a database's instances on the hosts that were reserved for it, and proves that the customer can use it.
 *
 * Invariants:
 * - nobody is told `available` before a write through the endpoint was read again on every standby;
 * - the record of what is in sync never runs ahead of what is: names and record follow protocol rule 3c, and 3b to grow;
 * - until the verification nobody owns any of it, so that a failure takes everything away again.
 */
export const PROVISION = 'provision';

const inputSchema = z.strictObject({ databaseId: z.string() });
type Input = z.output<typeof inputSchema>;
type Found = Record<string, never>;

export interface ProvisionParts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
  readonly vault: Vault;
  /** Chooses hosts for the database's instances and writes the instances down, before anything is made on them. */
  readonly reserve: (tx: Tx, databaseId: string) => Promise<void>;
}

export function provisionOperation<Tx>(parts: ProvisionParts<Tx>): OperationDefinition<Tx, Input, Found> {
  const step = provisionSteps<Tx, Input>(parts);
  return {
    kind: PROVISION,
    does: 'makes a database: its primary, its standbys and its endpoint',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 10 * 60_000,
    preempts: () => false,
    traits: { shows: 'provisioning' satisfies DatabaseState, primary: 'not-made' },
    steps: [
      { name: 'place', does: 'reserve a host for each instance', timeoutMs: 10_000, attempts: 2, onFailure: 'undo', ...step.place },
      {
        name: 'create-primary', does: 'make and start a cluster of its own',
        timeoutMs: 60_000, attempts: 3, onFailure: 'undo', ...step.createPrimary,
      },
      ...completionSteps(step),
    ],
  };
}

/** The rows that make a database of a primary: its standbys, its endpoint, and the proof that both work. */
export function completionSteps<Tx, I extends AboutDatabase>(step: ProvisionSteps<Tx, I>): Step<Tx, I, Found>[] {
  return [
    {
      name: 'attach-standbys', does: 'copy the primary to each standby and let it stream',
      timeoutMs: 120_000, attempts: 3, onFailure: 'undo', ...step.attachStandbys,
    },
    {
      name: 'synchronize', does: 'let commits wait for the first standby, then record it in sync',
      timeoutMs: 30_000, attempts: 3, onFailure: 'undo', run: step.synchronize,
    },
    {
      name: 'widen', does: 'record the other standbys in sync, then let commits wait for any of them',
      timeoutMs: 30_000, attempts: 3, onFailure: 'undo', run: step.widen,
    },
    { name: 'route', does: 'open the endpoint', timeoutMs: 20_000, attempts: 3, onFailure: 'undo', ...step.route },
    {
      name: 'verify', does: 'write as the customer through the endpoint and read it on each standby',
      timeoutMs: 20_000, attempts: 3, onFailure: 'undo', run: step.verify,
    },
  ];
}

type AboutDatabase = { readonly databaseId: string };
type ProvisionSteps<Tx, I extends AboutDatabase> = ReturnType<typeof provisionSteps<Tx, I>>;
type Outcome<Tx> = Promise<StepOutcome<Tx, Found>>;

/** The steps of a provisioning; other ways to make a database share those that do not care where its data comes from. */
export function provisionSteps<Tx, I extends AboutDatabase>(parts: ProvisionParts<Tx>) {
  type Context = StepContext<I, Found>;
  type StepParts = Pick<Step<Tx, I, Found>, 'run' | 'undo'>;
  const { engine, records, reserve } = parts;

  /** The request reserved hosts already; only an operation that is retried after it was undone has to do it again. */
  const place: StepParts = {
    async run(context: Context): Outcome<Tx> {
      const { members } = await records.read(context.input.databaseId);
      if (members.length === 0) return { outcome: 'next', to: 'place', record: (tx) => reserve(tx, context.input.databaseId) };
      return { outcome: 'next', detail: { hosts: members.map(({ ref }) => ref.host) } };
    },
    async undo(context: Context) {
      const { members } = await records.read(context.input.databaseId);
      return (tx: Tx) => records.forgetMembers(tx, members.map(({ ref }) => ref.id));
    },
  };

  const createPrimary: StepParts = {
    async run(context: Context): Outcome<Tx> {
      const primary = primaryOf(await records.read(context.input.databaseId));
      const seen = await engine.instances.createPrimary(primary.ref, context);
      return {
        outcome: 'next',
        detail: { host: primary.ref.host, port: seen.port, postgresVersion: seen.postgresVersion },
        record: async (tx) => {
          await records.setMember(tx, primary.ref.id, { state: 'running', port: seen.port ?? null });
          if (seen.postgresVersion) await records.setPostgresVersion(tx, context.input.databaseId, seen.postgresVersion);
        },
      };
    },
    undo: (context) => destroyAll(context, (record) => record.members),
  };

  const attachStandbys: StepParts = {
    async run(context: Context): Outcome<Tx> {
      const record = await records.read(context.input.databaseId);
      const standbys = standbysOf(record).filter(({ state }) => state !== 'lost');
      const seen = await Promise.all(standbys.map(async ({ ref }) => ({
        id: ref.id, host: ref.host, port: (await engine.instances.attachStandby(ref, primaryOf(record).ref, context)).port ?? null,
      })));
      return {
        outcome: 'next',
        detail: { standbys: seen.map(({ host, port }) => ({ host, port })) },
        record: async (tx) => {
          for (const { id, port } of seen) await records.setMember(tx, id, { state: 'running', port });
        },
      };
    },
    undo: (context) => destroyAll(context, standbysOf),
  };

  const { synchronize, widen } = synchronizeSteps<Tx, Found>({ engine, records }, { widen: 'widen', next: 'route' });

  const route: StepParts = {
    async run(context: Context): Outcome<Tx> {
      const record = await records.read(context.input.databaseId);
      await engine.gateway.open(routeTo(record), context);
      const { host, port } = engine.gateway.endpoint(record.spec);
      return { outcome: 'next', detail: { endpoint: `${host}:${port}` } };
    },
    async undo(context: Context): Promise<void> {
      const record = await records.read(context.input.databaseId);
      await engine.gateway.remove(record.spec, context);
    },
  };

  async function destroyAll(
    context: Context, which: (record: DatabaseRecord) => readonly { ref: DatabaseRecord['members'][number]['ref'] }[],
  ) {
    const doomed = which(await records.read(context.input.databaseId)).map(({ ref }) => ref);
    await Promise.all(doomed.map((ref) => engine.instances.destroy(ref, context)));
    return (tx: Tx) => records.setInSync(tx, context.input.databaseId, []);
  }

  return { place, createPrimary, attachStandbys, synchronize, widen, route, verify: (context: Context) => verify(parts, context) };
}

async function verify<Tx>({ engine, records, vault }: ProvisionParts<Tx>, context: StepContext<AboutDatabase, Found>): Outcome<Tx> {
  if (!context.sealed) {
    return {
      outcome: 'give-up', reason: 'the password was erased before it could be tried', hint: 'delete the database and create it anew',
    };
  }
  const record = await records.read(context.input.databaseId);
  const password = vault.unseal(context.sealed, context.operationId).toString();
  const proof = await engine.gateway.verify(routeTo(record), password, standbysOf(record).map(({ ref }) => ref), context);
  return {
    outcome: 'done',
    detail: { writeMs: proof.writeMs, readOn: proof.readOn },
    record: (tx) => records.setProvisioned(tx, context.input.databaseId),
  };
}
