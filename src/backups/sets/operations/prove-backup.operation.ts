import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../../operations/definition.js';
import type { BackupRecords } from '../backup-records.js';

/**
 * Proves a backup by restoring it on a spare place, starting it there cut off from everybody, and checking every relation.
 *
 * Invariant: only a restore that succeeded makes a backup count. A damaged copy is recorded with its site; what the customer's
 * own code did is told to the customer, and is no word about the backup; the drill's own trouble is tried again.
 */
export const PROVE_BACKUP = 'prove-backup';

const inputSchema = z.strictObject({ databaseId: z.string(), backupId: z.string(), site: z.string(), host: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly records: BackupRecords<Tx>;
}

export function proveBackupOperation<Tx>({ backups, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function prove(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, backupId, site, host } = context.input;
    const known = await records.readSet(databaseId);
    const copy = (await records.read(backupId)).copies.find((candidate) => candidate.site === site);
    if (!known || copy?.state !== 'stored' || copy.label === null) return { outcome: 'done', detail: { nothingToDo: 'the copy is gone' } };
    const found = await backups.prove(known.set, { site, label: copy.label }, host, context);
    if (!found.sound) {
      return {
        outcome: 'fail', reason: `the copy at ${site} is damaged: ${found.damage}`, hint: 'another site is tried, and a new backup is made',
        record: (tx) => records.setDamaged(tx, databaseId, backupId, site, found.damage),
      };
    }
    const { sound: _sound, ...measured } = found;
    const proof = { site, host, ...measured };
    return { outcome: 'done', detail: proof, record: (tx) => records.setProved(tx, backupId, proof) };
  }
  return {
    kind: PROVE_BACKUP,
    does: 'proves a backup by restoring it',
    input: inputSchema,
    exclusive: false,
    queue: 'proofs',
    deadlineMs: 24 * 3_600_000,
    preempts: () => false,
    steps: [{
      name: 'prove', does: 'restore it on a spare place and check every relation',
      timeoutMs: 12 * 3_600_000, attempts: 2, onFailure: 'undo', run: prove,
    }],
  };
}
