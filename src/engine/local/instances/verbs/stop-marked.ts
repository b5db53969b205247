import { within } from '../../../../base/signals.js';
import { EngineError } from '../../../errors.js';
import type { Effect, Lsn } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { exactName } from '../../machine/host-shell.js';
import { carriesAway } from '../../machine/process-table.js';
import { waitUntil } from '../../../wait-until.js';
import { bounded, withKeptControl } from '../../sql/control-connection.js';
import { endOfRecord, readControlData, SHUT_DOWN, type ControlData } from '../files/control-data.js';
import { fenceWithin } from './fence-instance.js';
import { announceLine } from '../files/fence-mark.js';
import { binariesOf } from '../files/instance-binaries.js';
import { findPostmaster, instanceSubject, servingProcesses, type InstanceContext } from '../../fleet/instance-context.js';
import { isInRecovery } from './promote-standby.js';

/** How long the last checkpoint and the sending of the last WAL may take; what is not down by then is killed. */
const STOP_WITHIN_MS = 10_000;
/** A server that cannot write a checkpoint in this time would not stop in time either, and is better left running. */
const CHECKPOINT_WITHIN_MS = 5_000;
/** Where only the signal is to end it. */
const LONGEST_CHECKPOINT_MS = 3_600_000;

export interface Stopped {
  readonly clean: boolean;
  readonly lsn: Lsn | null;
}

/**
 * Stops a primary for a switchover, and leaves it marked (`protocol.md`, rule 6).
 *
 * The mark's first half is on disk before the stop, so that there is no moment in which the instance is down and the
 * engine would start it; its second half, which keeps everybody else from starting it, follows as soon as the server has
 * written its last. Cut off in between, it runs, or is marked.
 *
 * The LSN is the end of the shutdown's own checkpoint record: a clean stop waits until every standby that streams has
 * been sent that, and a standby that has received as much has every byte there is.
 */
export async function stopMarked(primary: InstanceContext, effect: Effect): Promise<Stopped> {
  const { shell } = primary;
  const { signal } = effect;
  // Begun before the lock is taken, because clients wait already; a checkpoint does no harm, even for a token that is too low.
  const flushed = (await findPostmaster(primary)) ? checkpoint(primary, signal, CHECKPOINT_WITHIN_MS) : Promise.resolve();
  flushed.catch(() => undefined);
  return shell.fenced(instanceSubject(primary, effect.token), signal, async (gate) => {
    await flushed;
    if (await findPostmaster(primary)) {
      // Without its major's programs nobody could tell whether the stop was clean, nor start it again.
      await binariesOf(primary);
      await gate.must(announceLine(primary), 'marking the instance');
      await stop(primary, gate, signal);
    }
    const wasAlive = isAlive(primary);
    const control = await readControlData(primary, gate);
    // From here on nobody can start it; if somebody did meanwhile, it is killed, and what was read is void.
    const strangers = isAlive(primary);
    await fenceWithin(primary, gate, signal);
    if (wasAlive || strangers || control?.state !== SHUT_DOWN) return { clean: false, lsn: null };
    return { clean: true, lsn: await endOfCheckpoint(primary, control, gate) };
  });
}

/** Whether anything lives that could write; a backup or an archiver that has not noticed yet that its server is gone could not. */
function isAlive(primary: InstanceContext): boolean {
  return servingProcesses(primary).some((process) => !carriesAway(process) && primary.shell.readProcess(process.pid) !== undefined);
}

/** Most of what is dirty is written out while the server still runs, and a server that cannot do so is found out. */
export async function checkpoint(primary: InstanceContext, signal: AbortSignal, withinMs = LONGEST_CHECKPOINT_MS): Promise<void> {
  await withKeptControl(primary, signal, async (client) => {
    if (await isInRecovery(client)) {
      throw new EngineError('permanent', `instance ${primary.instance.id} is not a primary`, 'observe the database again');
    }
    await client.query(bounded('CHECKPOINT', withinMs));
  }).catch((error: unknown) => {
    if (error instanceof EngineError) throw error;
    throw new EngineError(
      'transient',
      `primary ${primary.instance.id} could not write a checkpoint in time`,
      'see what its disk is busy with',
      { cause: error },
    );
  });
}

/** SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written, standbys get the rest. */
async function stop(primary: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const postmaster = await findPostmaster(primary);
  if (!postmaster) return;
  const { process } = postmaster;
  await gate.must(command('signal_exactly', 'INT', exactName(process)), 'stopping');
  const patience = within(signal, STOP_WITHIN_MS);
  const isGone = (): true | undefined => (primary.shell.readProcess(process.pid)?.startTicks === process.startTicks ? undefined : true);
  await waitUntil(`primary ${primary.instance.id} to stop`, patience, isGone).catch((error: unknown) => {
    if (signal.aborted) throw error;
  });
}

async function endOfCheckpoint(primary: InstanceContext, control: ControlData, gate: Gate): Promise<Lsn | null> {
  const { paths } = primary;
  const { directory } = await binariesOf(primary);
  const program = command(
    `${directory}/pg_waldump`, '-p', `${paths.data}/pg_wal`, '-t', String(control.timeline), '-s', control.checkpointLsn, '-n', '1',
  );
  const { stdout } = await gate.run(program);
  const recordBytes = Number(/^rmgr: XLOG +len \(rec\/tot\): +\d+\/ *(\d+).*CHECKPOINT_SHUTDOWN/m.exec(stdout)?.[1]);
  return recordBytes > 0 ? endOfRecord(control.checkpointLsn, recordBytes, control.walSegmentBytes) : null;
}
