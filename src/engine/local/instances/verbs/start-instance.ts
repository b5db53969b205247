import { EngineError } from '../../../errors.js';
import type { Effect } from '../../../ports.js';
import { instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { bringUp } from './run-instance.js';

/** Starts an instance as whatever it was. */
export async function startInstance(context: InstanceContext, effect: Effect): Promise<void> {
  await context.shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    await refuseMarked(context);
    if (!(await context.shell.exists(context.paths.made))) {
      throw new EngineError(
        'permanent', `instance ${context.instance.id} is not there, or was never finished`, 'create it, or attach it to its primary',
      );
    }
    await bringUp(context, gate, effect.signal);
  });
}

/** A fenced instance starts for nobody until its mark is lifted (`protocol.md`, rule 5). */
export async function refuseMarked(context: InstanceContext): Promise<void> {
  if (await context.shell.exists(context.paths.mark)) {
    throw new EngineError('permanent', `instance ${context.instance.id} is fenced`, 'rejoin it, or abort the failover that fenced it');
  }
}
