import { z } from 'zod';
import type { BackupsPort } from '../../../engine/backups-port.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../../operations/definition.js';
import type { DatabaseRecords } from '../../../databases/database-records.js';
import type { BackupRecords } from '../backup-records.js';

/**
 * Tells a database's instances where to archive their WAL: when it is new, when a site goes or comes back, and when
 * another instance has become the primary.
 *
 * Invariants:
 * - a site that is down holds up neither the database nor the other sites: it is left out until it is back;
 * - standbys are told too, so that a promoted standby archives from its first moment on;
 * - the record tells from when on there is no hole at any of the sites.
 */
export const SET_ARCHIVE = 'set-archive';

const inputSchema = z.strictObject({ databaseId: z.string(), sites: z.array(z.string()), epoch: z.number().int() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly databases: DatabaseRecords<Tx>;
  readonly records: BackupRecords<Tx>;
}

export function setArchiveOperation<Tx>({ backups, databases, records }: Parts<Tx>): OperationDefinition<Tx, Input> {
  async function archive(context: StepContext<Input>): Promise<StepOutcome<Tx>> {
    const { databaseId, sites, epoch } = context.input;
    const known = await records.readSet(databaseId);
    if (!known) return { outcome: 'done', detail: { nothingToDo: 'the database is gone' } };
    const { members } = await databases.read(databaseId);
    const running = members.filter(({ state, hostLost }) => state === 'running' && !hostLost);
    // One after the other: each makes the set at a site where it is not there yet.
    for (const { ref } of running) await backups.archiveTo(ref, known.set, sites, context);
    const hasHole = epoch !== known.archiveEpoch || sites.some((site) => !known.archiveSites.includes(site));
    return {
      outcome: 'done', detail: { sites, hosts: running.map(({ ref }) => ref.host) },
      record: (tx) => records.setArchive(tx, databaseId, { sites, epoch, hasHole }),
    };
  }
  return {
    kind: SET_ARCHIVE,
    does: 'tells instances where to archive their WAL',
    input: inputSchema,
    exclusive: false,
    queue: 'changes',
    deadlineMs: 5 * 60_000,
    preempts: () => false,
    steps: [{
      name: 'archive', does: 'make each instance archive to the sites that can be used',
      timeoutMs: 60_000, attempts: 3, onFailure: 'undo', run: archive,
    }],
  };
}
