import { EngineError } from '../../../errors.js';
import type { Effect, InstanceObservation } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { AT_ONCE_MS, exactName } from '../../machine/host-shell.js';
import { enableLine, keepLine, liftLine, markLine } from '../files/fence-mark.js';
import { instanceSubject, servingProcesses, type InstanceContext } from '../../fleet/instance-context.js';
import { observeInstance } from '../watch/observe-instance.js';
import { bringUp, killAll } from './run-instance.js';

/**
 * Makes sure that an instance can accept no write, and that nobody can start it (`protocol.md`, rule 5).
 *
 * An instance that is not there is marked all the same: it may be on a disk that comes back.
 */
export async function fenceInstance(context: InstanceContext, effect: Effect, { keep = false } = {}): Promise<InstanceObservation> {
  const { signal } = effect;
  // Clients wait: a verb that is at work on the instance for an older token is killed at once.
  await context.shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
    if (keep) await gate.must(keepLine(context, effect.token), 'marking the data as kept');
    await fenceWithin(context, gate, signal);
  }, AT_ONCE_MS);
  return observeInstance(context, signal);
}

/** The same by a caller that holds the instance's lock. */
export async function fenceWithin(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const known = servingProcesses(context).map(exactName);
  // The mark is on disk before the server is killed, so that nothing that finds it dead can start it.
  const kill = known.length > 0 ? ` && ${command('signal_exactly', 'KILL', ...known)}` : '';
  await gate.must(`{ ${markLine(context)}; }${kill}`, 'fencing');
  // Others may have been born meanwhile, of processes that were alive or of somebody who starts the server by hand.
  await killAll(context, gate, signal, servingProcesses);
}

/** Lifts the mark and starts the instance as what it was, a primary (`protocol.md`, rule 8). */
export async function unfenceInstance(context: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell, paths } = context;
  await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    if (!(await shell.exists(paths.made)) || !(await shell.exists(`${paths.data}/PG_VERSION`))) {
      throw new EngineError('permanent', `instance ${context.instance.id} has no data to start with`, 'rejoin it to the primary');
    }
    if (await shell.exists(paths.mark)) await gate.must(`{ ${enableLine(context)}; } && ${liftLine(context)}`, 'lifting the fence mark');
    await gate.must(command('rm', '-f', '--', paths.keep), 'lifting the fence mark');
    await bringUp(context, gate, effect.signal);
  });
  return observeInstance(context, effect.signal);
}
