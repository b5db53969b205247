import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, Step, StepContext } from '../../../operations/definition.js';
import type { DatabaseRecord } from '../../../databases/database-records.js';
import { completionSteps, type ProvisionParts, provisionSteps } from '../../../databases/operations/provision.operation.js';
import type { DatabaseState } from '../../../databases/derive-state.js';
import { givesWay } from '../../../operations/traits.js';
import type { BackupRecords } from '../../sets/backup-records.js';
import { archiveLast, restorePrimary, wantedSchema } from './restore-steps.js';

/**
 * Puts a database back to an earlier state, or brings one back that has lost every instance.
 *
 * Invariants:
 * - the primary's present data is moved aside before anything takes its place: that is the way back;
 * - the old instances are fenced before the new primary is made: never two that accept writes (protocol rule 5);
 * - from the moment at which the clients are cut it goes only forward.
 */
export const RESTORE_IN_PLACE = 'restore-in-place';

const inputSchema = z.strictObject({ databaseId: z.string(), wanted: wantedSchema });
type Input = z.output<typeof inputSchema>;
type Found = Record<string, never>;
type Row<Tx> = Step<Tx, Input, Found>;

interface Parts<Tx> extends ProvisionParts<Tx> {
  readonly backups: BackupsPort;
  readonly backupRecords: BackupRecords<Tx>;
  /** Chooses other hosts for all instances of the database, and writes them down in the place of those that there are. */
  readonly replaceMembers: (tx: Tx, databaseId: string) => Promise<void>;
}

export function restoreInPlaceOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, Found> {
  const step = steps(parts);
  const completion = completionSteps(provisionSteps<Tx, Input>(parts)).filter(({ name }) => name !== 'verify')
    .map((row): Row<Tx> => ({
      name: row.name, does: row.does,
      timeoutMs: row.timeoutMs, attempts: row.attempts, onFailure: 'persist', run: (context) => row.run(context),
    }));
  return {
    kind: RESTORE_IN_PLACE,
    does: 'puts a database back to an earlier state',
    input: inputSchema,
    exclusive: true,
    queue: 'restores',
    deadlineMs: 24 * 3_600_000,
    // What only waits for instances that may never come back is in nobody's way.
    preempts: (other) => givesWay(other) || other.awaitsInstances,
    pointOfNoReturn: 'close',
    traits: { purpose: 'restore', shows: 'restoring' satisfies DatabaseState, primary: 'ended', interruptsFrom: 'close' },
    steps: [
      { name: 'save', does: 'archive what was written last', timeoutMs: 20_000, attempts: 2, onFailure: { goTo: 'close' }, run: step.save },
      {
        name: 'close', does: 'cut the clients and fence every instance',
        timeoutMs: 30_000, attempts: 5, onFailure: 'persist', run: step.close,
      },
      {
        name: 'set-aside', does: 'move the present data aside and reserve hosts',
        timeoutMs: 120_000, attempts: 5, onFailure: 'persist', run: step.setAside,
      },
      {
        name: 'restore-primary', does: 'restore a backup and play WAL up to the time',
        timeoutMs: 12 * 3_600_000, attempts: 5, onFailure: 'persist', run: step.restore,
      },
      ...completion,
      {
        name: 'finish', does: 'there again',
        timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: () => Promise.resolve({ outcome: 'done' }),
      },
    ],
  };
}

function steps<Tx>(
  { engine, backups, records: databases, backupRecords: records, replaceMembers }: Parts<Tx>,
): Record<'save' | 'close' | 'setAside' | 'restore', Row<Tx>['run']> {
  type Context = StepContext<Input, Found>;
  const reachable = ({ members }: DatabaseRecord) => members.filter(({ hostLost, state }) => !hostLost && state !== 'lost');

  async function save(context: Context): ReturnType<Row<Tx>['run']> {
    await archiveLast({ backups, databases }, context.input.databaseId, context);
    return { outcome: 'next' };
  }

  async function close(context: Context): ReturnType<Row<Tx>['run']> {
    const record = await databases.read(context.input.databaseId);
    await Promise.all([
      engine.gateway.close(record.spec, context),
      ...reachable(record).map(({ ref, role }) => engine.instances.fence(ref, context, { keep: role === 'primary' })),
    ]);
    return {
      outcome: 'next',
      record: async (tx) => {
        await databases.setInSync(tx, context.input.databaseId, []);
        for (const { ref } of reachable(record)) await databases.setMember(tx, ref.id, { state: 'fenced' });
      },
    };
  }

  async function setAside(context: Context): ReturnType<Row<Tx>['run']> {
    const { databaseId } = context.input;
    const record = await databases.read(databaseId);
    const kept = await Promise.all(reachable(record).map(async ({ ref }) => {
      await engine.instances.destroy(ref, context, { spareKept: true });
      return { ref, copies: await engine.instances.keptCopies(ref, context.signal) };
    }));
    return {
      outcome: 'next', detail: { keptAside: kept.flatMap(({ ref, copies }) => copies.map(({ id }) => `${ref.id}-${id}`)) },
      record: async (tx) => {
        for (const { ref, copies } of kept) await databases.addKept(tx, ref, copies);
        await replaceMembers(tx, databaseId);
      },
    };
  }

  async function restore(context: Context): ReturnType<Row<Tx>['run']> {
    const { databaseId, wanted } = context.input;
    const { ref, seen, passedOver, detail } = await restorePrimary(
      { backups, databases, records }, { databaseId, sourceId: databaseId, wanted }, context,
    );
    return {
      outcome: 'next', detail,
      record: async (tx) => {
        await databases.setMember(tx, ref.id, { state: 'running', port: seen.port ?? null });
        await records.raiseEpoch(tx, databaseId);
        await records.tellPassedOver(tx, databaseId, passedOver);
      },
    };
  }

  return { save, close, setAside, restore };
}
