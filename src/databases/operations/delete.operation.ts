import { z } from 'zod';
import { EngineError } from '../../engine/errors.js';
import type { Engine, InstanceObservation } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecord, type DatabaseRecords, type MemberRecord, standbysOf } from '../database-records.js';
import { type BackupsOfDeleted, decideDeletion, WAIT_HINT } from '../decide-deletion.js';
import type { DatabaseState } from '../derive-state.js';

/**
 * Takes a database away: its routes, the key of its files, its instances with their files and accounts, and its secrets.
 *
 * Invariants:
 * - it goes only forward from its first step on: half a database is of no use to anybody;
 * - clients are cut before anything is destroyed, so that nobody writes into what is going away;
 * - nothing is destroyed before a backup and the WAL after it hold all that was written, unless the request says that the
 *   database need not be brought back: the keeper of backups makes the missing backup;
 * - it ends any other change but a running failover, whose outcome has to be known first.
 */
export const DELETE = 'delete';

/** Backups, and the key that opens them, outlive their database for so many days (`design.md`, part 4). */
export const KEPT_DAYS = 7;

const LOOK_AGAIN_MS = 500;

const inputSchema = z.strictObject({
  databaseId: z.string(),
  /** Does not wait for a backup: data that no backup holds by now is lost. */
  withoutBackup: z.boolean().optional(),
});
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
  /** What is recorded of the database's backups. */
  readonly readBackups: (databaseId: string) => Promise<BackupsOfDeleted>;
}

export function deleteOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input> {
  const step = { ...steps(parts), ...securingSteps(parts) };
  return {
    kind: DELETE,
    does: 'takes a database away; its backups stay for a while',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 30 * 60_000,
    preempts: ({ purpose }) => purpose !== 'failover' && purpose !== 'deletion',
    pointOfNoReturn: 'close-routes',
    traits: {
      purpose: 'deletion', shows: 'deleting' satisfies DatabaseState, primary: 'ended', interruptsFrom: 'close-routes',
      awaitsBackupAt: ['secure', 'archive'],
    },
    steps: [
      {
        name: 'close-routes', does: 'cut the clients and take the endpoint away',
        timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.closeRoutes,
      },
      {
        name: 'secure', does: 'see that a backup holds it, so that it can be brought back',
        timeoutMs: 60_000, attempts: 60, onFailure: 'persist', run: step.secure,
      },
      {
        name: 'archive', does: 'archive the last of what was written',
        timeoutMs: 60_000, attempts: 5, onFailure: 'persist', run: step.archive,
      },
      {
        name: 'erase-keys', does: 'erase the key of its files, without which no byte of them can be read',
        timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.eraseKeys,
      },
      {
        name: 'destroy-instances', does: 'end every process of the instances and remove their files',
        timeoutMs: 60_000, attempts: 5, onFailure: 'persist', run: step.destroyInstances,
      },
    ],
  };
}

function steps<Tx>({ engine, records }: Parts<Tx>) {
  type Context = StepContext<Input>;

  async function closeRoutes(context: Context): Promise<StepOutcome<Tx>> {
    const record = await records.read(context.input.databaseId);
    await engine.gateway.remove(record.spec, context);
    // From here on nothing may be promoted any more: there is nothing to fail over to.
    return { outcome: 'next', record: (tx) => records.setInSync(tx, context.input.databaseId, []) };
  }

  /** Before anything else is destroyed: from then on it makes no difference what becomes of a disk, or of a host that is away. */
  async function eraseKeys({ input: { databaseId } }: Context): Promise<StepOutcome<Tx>> {
    const { spec } = await records.read(databaseId);
    const keys = spec.secrets.volume === undefined ? 'its files had no key' : 'the key of its files is erased';
    return { outcome: 'next', detail: { keys }, record: (tx) => records.eraseVolumeKey(tx, databaseId) };
  }

  async function destroyInstances(context: Context): Promise<StepOutcome<Tx>> {
    const record = await records.read(context.input.databaseId);
    await Promise.all(record.members.map(({ ref }) => engine.instances.destroy(ref, context)));
    // Copies that were moved aside of instances that no longer exist are still there; those of the others went with them.
    await Promise.all(record.kept.map(({ ref, keptId }) => engine.instances.releaseKept(ref, keptId, context)));
    return {
      outcome: 'done',
      detail: { destroyed: record.members.map(({ ref }) => ref.host) },
      record: (tx) => records.setDeleted(tx, context.input.databaseId, KEPT_DAYS),
    };
  }

  return { closeRoutes, eraseKeys, destroyInstances };
}

/** The steps that make sure that a backup holds the database before its last instance is destroyed. */
function securingSteps<Tx>({ engine, records, readBackups }: Parts<Tx>) {
  type Context = StepContext<Input>;
  type Outcome = Promise<StepOutcome<Tx>>;
  const isThere = ({ state, hostLost }: MemberRecord): boolean => state !== 'lost' && !hostLost;

  async function secure(context: Context): Outcome {
    const { decided, record, primary, seen } = await look(context);
    if (decided.decision === 'destroy') return { outcome: 'next', to: 'erase-keys', detail: { because: decided.because } };
    if (decided.decision === 'archive') return { outcome: 'next', detail: { backup: decided.backup } };
    if (decided.decision === 'hold') throw new EngineError('permanent', `${decided.reason}; ${decided.hint}`);
    if (decided.decision === 'wait') return { outcome: 'wait', forMs: LOOK_AGAIN_MS, reason: `${decided.reason}; ${decided.hint}` };
    if (primary && seen) await bringUp(record, primary, seen, context);
    return {
      outcome: 'wait', forMs: LOOK_AGAIN_MS,
      reason: `its primary is being started, so that a backup and its last WAL can be made; ${WAIT_HINT}`,
    };
  }

  async function archive(context: Context): Outcome {
    const before = await look(context);
    if (before.decided.decision !== 'archive' || !before.primary) return { outcome: 'next', to: 'secure' };
    await engine.backups?.archiveNow(before.primary.ref, context);
    // A site may have been given up meanwhile, and with it the one that has the backup.
    const { decided } = await look(context);
    if (decided.decision !== 'archive') return { outcome: 'next', to: 'secure' };
    return { outcome: 'next', detail: { backup: decided.backup, archivedUntil: new Date().toISOString() } };
  }

  async function look(context: Context) {
    const { databaseId, withoutBackup = false } = context.input;
    const record = await records.read(databaseId);
    const primary = record.members.find(({ role }) => role === 'primary');
    const observe = (member: MemberRecord | undefined): Promise<InstanceObservation | undefined> =>
      (member && isThere(member) ? engine.instances.observe(member.ref, context.signal) : Promise.resolve(undefined));
    const [backups, seen, ...standbys] = await Promise.all([
      engine.backups ? readBackups(databaseId) : undefined, observe(primary), ...standbysOf(record).map(observe),
    ]);
    const decided = decideDeletion({
      withoutBackup, backups, primary: judge(seen), standbyIsThere: standbys.some((standby) => standby?.exists === true),
    });
    return { decided, record, primary, seen };
  }

  function judge(seen: InstanceObservation | undefined): 'running' | 'down' | 'gone' {
    if (!seen?.exists) return 'gone';
    return seen.process === 'running' && seen.role === 'primary' ? 'running' : 'down';
  }

  /**
   * The change that the deletion ended may have left the primary fenced, or it was down already. Under the deletion's token no
   * promotion that is still asleep takes effect any more, and each standby says whether one has (protocol rule 8): then there
   * are two histories, of which only a person can tell which one is to be kept.
   */
  async function bringUp(record: DatabaseRecord, primary: MemberRecord, seen: InstanceObservation, context: Context): Promise<void> {
    if (!seen.marked) {
      await engine.instances.start(primary.ref, context);
      return;
    }
    for (const { ref } of standbysOf(record).filter(isThere)) {
      const { role, marked } = await engine.instances.claim(ref, context);
      if (role === 'primary' && !marked) {
        throw new EngineError(
          'permanent', `instance ${ref.id} on host ${ref.host} is a primary, and ${primary.ref.id} is the recorded one; ${WAIT_HINT}`,
        );
      }
    }
    await engine.instances.unfence(primary.ref, context);
  }

  return { secure, archive };
}
