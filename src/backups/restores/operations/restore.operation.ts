import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, Step, StepContext } from '../../../operations/definition.js';
import { completionSteps, type ProvisionParts, provisionSteps } from '../../../databases/operations/provision.operation.js';
import type { DatabaseState } from '../../../databases/derive-state.js';
import type { BackupRecords } from '../../sets/backup-records.js';
import { archiveLast, restorePrimary, wantedSchema } from './restore-steps.js';

/**
 * Makes a database from backups: a new one beside the one whose backups they are, or a deleted one again.
 *
 * Invariants:
 * - nothing of the source is touched;
 * - of a new database nobody is told `available` before a write through the endpoint was read again on every standby; the
 *   password of one that is brought back is not known, so that its standbys being in sync has to do;
 * - what fails takes everything away again that was made; a deleted database is as deleted as before, its backups kept.
 */
export const RESTORE = 'restore';

const inputSchema = z.strictObject({
  databaseId: z.string(),
  sourceId: z.string(),
  wanted: wantedSchema,
  /** When the database was deleted that is brought back, when its backups would have gone, and what it was called. */
  deleted: z.strictObject({ name: z.string().optional(), deletedAt: z.iso.datetime(), purgeAt: z.iso.datetime() }).optional(),
});
type Input = z.output<typeof inputSchema>;
type Found = Record<string, never>;
type Row<Tx> = Step<Tx, Input, Found>;

interface Parts<Tx> extends ProvisionParts<Tx> {
  readonly backups: BackupsPort;
  readonly backupRecords: BackupRecords<Tx>;
}

export function restoreOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input, Found> {
  const { backups, records: databases, backupRecords: records } = parts;
  const step = provisionSteps<Tx, Input>(parts);
  type Context = StepContext<Input, Found>;

  /** A source that is gone, or cannot archive now, has archived before. */
  const save: Row<Tx>['run'] = async (context) => {
    if (context.input.deleted === undefined) await archiveLast({ backups, databases }, context.input.sourceId, context);
    return { outcome: 'next' };
  };

  const place: Pick<Row<Tx>, 'run' | 'undo'> = {
    run: step.place.run,
    async undo(context: Context) {
      const forget = await step.place.undo?.(context);
      const { databaseId, deleted } = context.input;
      return async (tx: Tx) => {
        await forget?.(tx);
        if (deleted) await records.setDeletedAgain(tx, databaseId, deleted);
      };
    },
  };

  const restore: Row<Tx>['run'] = async (context) => {
    const { ref, seen, passedOver, detail } = await restorePrimary({ backups, databases, records }, context.input, context);
    return {
      outcome: 'next', detail,
      record: async (tx) => {
        await databases.setMember(tx, ref.id, { state: 'running', port: seen.port ?? null });
        if (seen.postgresVersion) await databases.setPostgresVersion(tx, context.input.databaseId, seen.postgresVersion);
        await records.tellPassedOver(tx, context.input.sourceId, passedOver);
      },
    };
  };

  /** The password of a database that is brought back is known to its customer alone. */
  const verify: Row<Tx>['run'] = async (context) => {
    if (context.input.deleted === undefined) return step.verify(context);
    return { outcome: 'done', record: (tx) => databases.setProvisioned(tx, context.input.databaseId) };
  };

  return {
    kind: RESTORE,
    does: 'makes a database from backups',
    input: inputSchema,
    exclusive: true,
    queue: 'restores',
    deadlineMs: 24 * 3_600_000,
    preempts: () => false,
    traits: { shows: 'restoring' satisfies DatabaseState, primary: 'not-made' },
    steps: [
      { name: 'save', does: 'archive what was written last', timeoutMs: 20_000, attempts: 2, onFailure: { goTo: 'place' }, run: save },
      { name: 'place', does: 'reserve a host for each instance', timeoutMs: 10_000, attempts: 2, onFailure: 'undo', ...place },
      {
        name: 'restore-primary', does: 'restore a backup and play WAL up to the time',
        timeoutMs: 12 * 3_600_000, attempts: 5, onFailure: 'undo', run: restore,
        ...(step.createPrimary.undo && { undo: step.createPrimary.undo }),
      },
      ...completionSteps({ ...step, verify }),
    ],
  };
}
