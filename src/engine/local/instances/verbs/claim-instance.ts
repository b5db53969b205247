import type { Effect, InstanceObservation } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { AT_ONCE_MS } from '../../machine/host-shell.js';
import { instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { observeInstance } from '../watch/observe-instance.js';
import { triggerFile } from './promote-standby.js';
import { bringUp, killAll } from './run-instance.js';

/**
 * Puts the token on the instance, kills what is at work on it for an older token, and tells what the instance is
 * (`protocol.md`, rules 7 and 8). Its role is then certain: a promotion that was asked for has happened, or never will.
 *
 * One that did happen, but whose server is down, is told as a primary that is stopped; promoting it again starts it.
 */
export async function claimInstance(context: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell, paths } = context;
  return shell.fenced(
    instanceSubject(context, effect.token),
    effect.signal,
    async (gate) =>
      (await shell.exists(paths.promoting))
        ? settlePromotion(context, gate, effect.signal)
        : withRoleOnDisk(context, await observeInstance(context, effect.signal)),
    AT_ONCE_MS,
  );
}

/** An instance that does not answer is judged by its files: somebody may have promoted it by hand, and it may have died since. */
async function withRoleOnDisk({ shell, paths }: InstanceContext, seen: InstanceObservation): Promise<InstanceObservation> {
  if (seen.role !== undefined || !seen.exists) return seen;
  return { ...seen, role: (await shell.exists(`${paths.data}/standby.signal`)) ? 'standby' : 'primary' };
}

/**
 * The request may still be on its way: its file unread, its signal not yet delivered to a process that hangs. PostgreSQL
 * looks for the file once more before it obeys, but between that look and its first write nobody can tell from outside.
 * So unless it is a primary already, it is killed, which costs a standby a moment: then the disk tells, for PostgreSQL
 * removes standby.signal before it accepts the first write.
 */
async function settlePromotion(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<InstanceObservation> {
  const { shell, paths } = context;
  await gate.must(command('rm', '-f', '--', triggerFile(context)), 'taking back a promotion');
  const seen = await observeInstance(context, signal);
  if (seen.role !== 'primary') {
    await killAll(context, gate, signal);
    if (seen.exists && !(await shell.exists(`${paths.data}/standby.signal`))) {
      return { ...(await observeInstance(context, signal)), role: 'primary' };
    }
  }
  await gate.must(command('rm', '-f', '--', paths.promoting), 'settling a promotion');
  if (seen.role === 'primary') return seen;
  if (seen.exists && !seen.marked) await bringUp(context, gate, signal);
  return observeInstance(context, signal);
}
