import { z } from 'zod';
import { reasonOf } from '../../../base/reason-of.js';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../../operations/definition.js';
import type { BackupRecords } from '../backup-records.js';

/**
 * Removes backups that no slot keeps any more, from every site.
 *
 * Invariant: a copy is recorded as expired once it is gone; what a site does not let go now is tried again later.
 */
export const EXPIRE_BACKUPS = 'expire-backups';

const inputSchema = z.strictObject({ databaseId: z.string(), backupIds: z.array(z.string()).min(1) });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly records: BackupRecords<Tx>;
}

export function expireBackupsOperation<Tx>({ backups, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function expire(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, backupIds } = context.input;
    const known = await records.readSet(databaseId);
    if (!known) return { outcome: 'done', detail: { nothingToDo: 'the key is destroyed, and the copies with it' } };
    const gone: { backupId: string; site: string }[] = [];
    const left = new Set<string>();
    const failures: string[] = [];
    for (const backupId of backupIds) {
      for (const { site, label, state } of (await records.read(backupId)).copies) {
        if (state !== 'stored' || label === null) continue;
        try {
          await backups.expire(known.set, site, label, context);
          gone.push({ backupId, site });
        } catch (error) {
          if (context.signal.aborted) throw error;
          left.add(backupId);
          failures.push(`${label} at ${site}: ${reasonOf(error)}`);
        }
      }
    }
    const record = async (tx: Tx): Promise<void> => {
      for (const { backupId, site } of gone) await records.setCopyExpired(tx, backupId, site);
      for (const backupId of backupIds) if (!left.has(backupId)) await records.setExpired(tx, backupId);
    };
    if (failures.length > 0) {
      return { outcome: 'fail', reason: failures.join('; '), hint: 'they are tried again with the next backup', record };
    }
    return { outcome: 'done', detail: { expired: backupIds.length }, record };
  }
  return {
    kind: EXPIRE_BACKUPS,
    does: 'removes backups that are not kept any longer',
    input: inputSchema,
    exclusive: false,
    queue: 'bulk',
    deadlineMs: 3_600_000,
    preempts: () => false,
    pointOfNoReturn: 'expire',
    steps: [{ name: 'expire', does: 'remove them from every site', timeoutMs: 600_000, attempts: 3, onFailure: 'persist', run: expire }],
  };
}
