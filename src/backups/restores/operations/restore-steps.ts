import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import { EngineError } from '../../../engine/errors.js';
import type { InstanceObservation, InstanceRef } from '../../../engine/ports.js';
import type { StepContext } from '../../../operations/definition.js';
import { type DatabaseRecords, primaryOf } from '../../../databases/database-records.js';
import type { BackupRecords, PassedOver } from '../../sets/backup-records.js';
import { listRestoreTargets, type Wanted } from '../choose-restore-source.js';

/** What is to be restored, as an operation's input has it. */
export const wantedSchema = z.union([
  z.strictObject({ backupId: z.string() }), z.strictObject({ time: z.union([z.literal('latest'), z.iso.datetime()]) }),
]);

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly databases: DatabaseRecords<Tx>;
  readonly records: BackupRecords<Tx>;
}

/** Archives what a database that still runs wrote last, so that a restore to a moment ago finds it. */
export async function archiveLast<Tx>(
  { backups, databases }: Pick<Parts<Tx>, 'backups' | 'databases'>, databaseId: string, context: StepContext,
): Promise<void> {
  const { members } = await databases.read(databaseId);
  const primary = members.find(({ role, state, hostLost }) => role === 'primary' && state === 'running' && !hostLost);
  if (primary) await backups.archiveNow(primary.ref, context);
}

/**
 * Makes a recorded primary from the backups of a database. Of the places that have them, the best comes first; one whose
 * copy is damaged is passed over at once, and a site that does not answer at the next attempt.
 */
export async function restorePrimary<Tx>(
  { backups, databases, records }: Parts<Tx>,
  from: { readonly sourceId: string; readonly databaseId: string; readonly wanted: z.output<typeof wantedSchema> }, context: StepContext,
): Promise<{
  readonly ref: InstanceRef;
  readonly seen: InstanceObservation;
  readonly passedOver: readonly PassedOver[];
  readonly detail: Record<string, unknown>;
}> {
  const [known, stored, database] = await Promise.all([
    records.readSet(from.sourceId), records.readStored(from.sourceId), databases.read(from.databaseId),
  ]);
  const archived = known && { region: known.set.region, archive: { sites: known.archiveSites, since: known.archiveSince } };
  const targets = listRestoreTargets(toWanted(from.wanted), stored, backups.sites(), archived);
  if (!known || targets.length === 0) {
    throw new EngineError(
      'permanent', `no site has a backup of ${from.sourceId} from before that time`, 'choose another time or another backup',
    );
  }
  const { ref } = primaryOf(database);
  const first = (context.attempt - 1) % targets.length;
  const passedOver: PassedOver[] = [];
  for (const target of [...targets.slice(first), ...targets.slice(0, first)]) {
    const site = 'backup' in target ? target.backup.site : target.site;
    try {
      const { restoredTo, ...seen } = await backups.restore(ref, known.set, target, context, reportRestored(site, context));
      return {
        ref, seen, passedOver,
        detail: {
          site, host: ref.host, port: seen.port, ...(restoredTo && { lastCommitAt: restoredTo.toISOString() }),
          ...(passedOver.length > 0 && { passedOver }),
        },
      };
    } catch (error) {
      // Where one copy is damaged another one may be sound: only the last of them ends the attempts.
      if (!(error instanceof EngineError) || error.kind !== 'permanent' || passedOver.length === targets.length - 1) throw error;
      passedOver.push({ site, reason: error.message });
    }
  }
  throw new Error('a restore has no place left, though none of them failed');
}

/** Tells of each hundredth once. */
function reportRestored(site: string, { report }: StepContext): (doneBytes: number, ofBytes: number) => void {
  let shown = -1;
  return (doneBytes, ofBytes) => {
    const percent = ofBytes > 0 ? Math.floor((doneBytes / ofBytes) * 100) : 0;
    if (percent <= shown) return;
    shown = percent;
    report({ site, doneBytes, ofBytes, percent });
  };
}

function toWanted(wanted: z.output<typeof wantedSchema>): Wanted {
  if ('backupId' in wanted) return wanted;
  return { time: wanted.time === 'latest' ? 'latest' : new Date(wanted.time) };
}
