import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../../operations/definition.js';
import type { BackupRecords } from '../backup-records.js';

/**
 * Destroys the backups of a database whose time to be brought back is over.
 *
 * Invariant: at its end the key is gone, without which every copy that a site would not let go, frozen ones too, is noise.
 */
export const PURGE_BACKUPS = 'purge-backups';

const inputSchema = z.strictObject({ databaseId: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly records: BackupRecords<Tx>;
}

export function purgeBackupsOperation<Tx>({ backups, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function remove(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const known = await records.readSet(context.input.databaseId);
    if (!known) return { outcome: 'next' };
    const results = await Promise.allSettled(backups.sites().map(({ id }) => backups.remove(known.set, id, context)));
    context.signal.throwIfAborted();
    const left = backups.sites().flatMap(({ id }, index) => (results[index]?.status === 'rejected' ? [id] : []));
    return { outcome: 'next', detail: { left } };
  }
  return {
    kind: PURGE_BACKUPS,
    does: 'destroys the backups of a database that was deleted for good',
    input: inputSchema,
    exclusive: false,
    queue: 'bulk',
    deadlineMs: 3_600_000,
    preempts: () => false,
    pointOfNoReturn: 'remove',
    steps: [
      {
        name: 'remove', does: 'remove the copies from each site that lets them go',
        timeoutMs: 300_000, attempts: 3, onFailure: { goTo: 'erase-key' }, run: remove,
      },
      {
        name: 'erase-key', does: 'destroy the key, which erases what is left',
        timeoutMs: 10_000, attempts: 5, onFailure: 'persist',
        run: (context) => Promise.resolve({ outcome: 'done', record: (tx) => records.setPurged(tx, context.input.databaseId) }),
      },
    ],
  };
}
