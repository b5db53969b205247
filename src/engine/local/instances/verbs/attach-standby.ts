import type { Client } from 'pg';

import { reasonOf } from '../../../../base/reason-of.js';
import { within } from '../../../../base/signals.js';
import { EngineError } from '../../../errors.js';
import type { Effect, InstanceObservation } from '../../../ports.js';
import type { Gate } from '../../machine/gate.js';
import { timeIsOver } from '../../../wait-until.js';
import { withControl } from '../../sql/control-connection.js';
import { copyPrimary } from './copy-primary.js';
import { createSlot, follow, portOf, readSource, upstreamOf, waitUntilStreaming } from './follow-primary.js';
import { instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import type { Upstream } from '../files/instance-settings.js';
import { launchNew } from './launch-new.js';
import { observeInstance } from '../watch/observe-instance.js';
import { refuseMarked } from './start-instance.js';

/** How long a standby that is there already may take to stream before it is copied anew. */
const RESUME_WITHIN_MS = 5_000;

/**
 * Makes a standby that streams from the primary.
 *
 * One that is there already is started and left as it is, if it then streams. Otherwise the primary is copied over TLS
 * into a new directory, which takes the old one's place only when it is complete (`protocol.md`, rule 10).
 */
export async function attachStandby(context: InstanceContext, primary: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { signal } = effect;
  return context.shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
    await refuseMarked(context);
    await refuseData(context);
    const upstream = upstreamOf(context, primary, await portOf(primary));
    return withControl(primary, { signal }, async (client) => {
      await readSource(primary, client);
      if (await resumes(context, primary, upstream, client, gate, effect)) return observeInstance(context, signal);
      await copyPrimary(context, primary, upstream, gate, effect);
      const look = async (): Promise<InstanceObservation> => {
        await waitUntilStreaming(context, client, signal);
        return observeInstance(context, signal);
      };
      return launchNew(context, gate, signal, { as: 'standby', look });
    });
  });
}

/** An instance that was a primary may hold the last copy of something: it is rejoined or destroyed, never overwritten. */
async function refuseData({ shell, paths, instance }: InstanceContext): Promise<void> {
  if (
    (await shell.exists(paths.made))
    && (await shell.exists(`${paths.data}/PG_VERSION`))
    && !(await shell.exists(`${paths.data}/standby.signal`))
  ) {
    throw new EngineError('permanent', `instance ${instance.id} holds the data of a primary`, 'destroy it first, or rejoin it');
  }
}

/** Points a standby that is complete at the primary, starts it, and answers whether it streams from this primary soon. */
async function resumes(
  context: InstanceContext, primary: InstanceContext, upstream: Upstream, client: Client, gate: Gate, effect: Effect,
): Promise<boolean> {
  if (!(await context.shell.exists(context.paths.made))) return false;
  const { signal } = effect;
  await createSlot(context, primary, upstream.port, effect);
  const patience = within(signal, RESUME_WITHIN_MS);
  try {
    await follow(context, upstream, gate, patience);
    await waitUntilStreaming(context, client, patience);
    return true;
  } catch (error) {
    if (signal.aborted) throw timeIsOver('the standby to stream', signal);
    if (error instanceof EngineError && error.kind === 'superseded') throw error;
    context.fleet.log.warn({ instanceId: context.instance.id }, `the standby does not stream and is copied anew: ${reasonOf(error)}`);
    return false;
  }
}
