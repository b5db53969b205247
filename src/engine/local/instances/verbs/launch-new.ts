import type { InstanceObservation } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { liftLine } from '../files/fence-mark.js';
import type { InstanceContext } from '../../fleet/instance-context.js';
import { spawnPostmaster, waitUntilReady } from './run-instance.js';

/**
 * Recovery, with which a copy begins, syncs the data directory file by file, unless it is told to sync the volume, as is
 * done here in any case: 20 ms and not 300, where all of a thousand files are new.
 */
const SYNC_AT_ONCE = ['-c', 'recovery_init_sync_method=syncfs'];

interface NewInstance {
  readonly as: 'primary' | 'standby';
  /** Looks at it as soon as it answers; what it saw is the answer. */
  readonly look: () => Promise<InstanceObservation>;
}

/**
 * Starts an instance whose files are new, and looks at it, while they are being synced to disk; it counts as made, and its
 * fence mark is lifted, once they are (`protocol.md`, rule 11).
 */
export async function launchNew(
  context: InstanceContext, gate: Gate, signal: AbortSignal, { as, look }: NewInstance,
): Promise<InstanceObservation> {
  const { paths, shell } = context;
  const ready = waitUntilReady(context, signal, await spawnPostmaster(context, gate, SYNC_AT_ONCE));
  const finish = async (): Promise<void> => {
    await Promise.all([gate.must(command('sync', '-f', paths.data, paths.control), 'syncing the instance'), ready]);
    const major = (await shell.read(`${paths.data}/PG_VERSION`)) ?? '';
    await gate.install([{ path: paths.major, content: major, mode: 0o644 }, { path: paths.made, content: `${as}\n`, mode: 0o644 }]);
    await gate.must(
      `${liftLine(context)} && ${command('rm', '-rf', '--', paths.replaced, paths.rewinding, paths.promoting)}`,
      'removing what was replaced',
    );
  };
  // Both to their ends, since the gate is let go after it.
  const [finished, looked] = await Promise.allSettled([finish(), ready.then(look)]);
  if (finished.status === 'rejected') throw finished.reason;
  if (looked.status === 'rejected') throw looked.reason;
  return { ...looked.value, exists: true, marked: false };
}
