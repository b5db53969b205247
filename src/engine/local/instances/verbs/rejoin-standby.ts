import type { Client } from 'pg';

import { reasonOf } from '../../../../base/reason-of.js';
import { within } from '../../../../base/signals.js';
import { EngineError } from '../../../errors.js';
import type { Effect, InstanceObservation } from '../../../ports.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { timeIsOver } from '../../../wait-until.js';
import { chooseRebuild } from './choose-rebuild.js';
import { readControlData } from '../files/control-data.js';
import { withControl } from '../../sql/control-connection.js';
import { copyPrimary, standbySignalLine } from './copy-primary.js';
import { fenceWithin } from './fence-instance.js';
import { enableLine, liftLine } from '../files/fence-mark.js';
import { createSlot, follow, portOf, readSource, upstreamFiles, upstreamOf, waitUntilFollowing, type Source } from './follow-primary.js';
import { binariesOf } from '../files/instance-binaries.js';
import { instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { roomOf } from '../../fleet/instance-volume.js';
import type { Upstream } from '../files/instance-settings.js';
import { moveAside } from './keep-aside.js';
import { launchNew } from './launch-new.js';
import { observeInstance } from '../watch/observe-instance.js';
import { rewindInstance } from './rewind-instance.js';
import { directoriesLine, hasOutgrown } from '../files/instance-files.js';
import { killAll } from './run-instance.js';
import { lastCommonLsn, newestTimeline, walFileOf } from '../files/timeline-history.js';

/** How long an instance whose WAL is on the primary's path may take to stream before it is made anew. */
const FOLLOW_WITHIN_MS = 10_000;

export type Rejoined = InstanceObservation & { readonly how: 'repointed' | 'rewound' | 'copied' };

/** All that the ways to rejoin have in common. */
interface Rejoining {
  readonly context: InstanceContext;
  readonly primary: InstanceContext;
  readonly client: Client;
  readonly source: Source;
  readonly upstream: Upstream;
  readonly gate: Gate;
  readonly effect: Effect;
  readonly signal: AbortSignal;
}

/**
 * Makes an instance a streaming standby of the primary, whatever it was (`protocol.md`, rules 10 and 11).
 *
 * One whose WAL is all on the primary's path only follows: another standby, an old primary that was stopped cleanly, and
 * a killed one too if everything it wrote had reached the standby. What diverged is rewound or copied anew, whichever is
 * faster, and what an operator may want back is moved aside before. Whatever could start as a primary is marked first, and
 * stays so until it cannot any more, also when this is cut off half-way.
 */
export async function rejoinStandby(context: InstanceContext, primary: InstanceContext, effect: Effect): Promise<Rejoined> {
  const { signal } = effect;
  if (context.instance.id === primary.instance.id) {
    throw new EngineError('permanent', `instance ${context.instance.id} cannot follow itself`);
  }
  return context.shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
    const port = await portOf(primary);
    await createSlot(context, primary, port, effect);
    return withControl(primary, { signal }, async (client) => {
      const source = await readSource(primary, client);
      const rejoining: Rejoining = { context, primary, client, source, upstream: upstreamOf(context, primary, port), gate, effect, signal };
      await fenceFormerPrimary(rejoining);
      return (await followIfOnPath(rejoining)) ?? rebuild(rejoining);
    });
  });
}

/** An instance that is no standby on disk is fenced already, as a rule; if it is not, it would be a second primary. */
async function fenceFormerPrimary({ context, gate, signal }: Rejoining): Promise<void> {
  const { shell, paths } = context;
  if ((await shell.exists(paths.data)) && !(await shell.exists(`${paths.data}/standby.signal`))) await fenceWithin(context, gate, signal);
}

async function followIfOnPath(rejoining: Rejoining): Promise<Rejoined | undefined> {
  const { context, client, source, upstream, gate, signal } = rejoining;
  if (!(await isOnPath(rejoining))) return undefined;
  const patience = within(signal, FOLLOW_WITHIN_MS);
  try {
    await becomeStandby(rejoining);
    await endIfUnfit(rejoining);
    await follow(context, upstream, gate, patience);
    const seen = await waitUntilFollowing(context, client, source, patience);
    await gate.run(command('rm', '-f', '--', context.paths.promoting, context.paths.keep));
    return { ...seen, how: 'repointed' };
  } catch (error) {
    if (signal.aborted) throw timeIsOver('the standby to follow', signal);
    if (error instanceof EngineError && error.kind === 'superseded') throw error;
    context.fleet.log.warn({ instanceId: context.instance.id }, `the instance does not follow and is copied anew: ${reasonOf(error)}`);
    return undefined;
  }
}

/**
 * Whether all WAL of an instance is on the primary's path: nothing readable stands behind the point at which the
 * primary's timeline left its own. Only its files are asked, so that it makes no difference whether it runs.
 */
async function isOnPath({ context, source, gate }: Rejoining): Promise<boolean> {
  const { paths, shell } = context;
  if (!(await shell.exists(paths.made)) || !(await shell.exists(`${paths.data}/PG_VERSION`))) return false;
  const control = await readControlData(context, gate);
  if (control?.systemIdentifier !== source.systemIdentifier) return false;
  const walFiles = await shell.list(`${paths.data}/pg_wal`);
  // The control data may be of a checkpoint before the last switch.
  const timeline = Math.max(control.timeline, newestTimeline(walFiles));
  const common = lastCommonLsn(source, timeline);
  if (common === undefined) return false;
  // A former primary on a timeline of the same number went another way under the same name.
  if (common === 'anywhere') return shell.exists(`${paths.data}/standby.signal`);
  const wanted = walFileOf(timeline, common.lsn, control.walSegmentBytes);
  // pg_waldump would wait five seconds for a segment that is not there. Later ones without it: this one was recycled long ago.
  if (!walFiles.includes(wanted)) {
    return !walFiles.some((name) => name.startsWith(wanted.slice(0, 8)) && name.length === wanted.length && name > wanted);
  }
  const { directory } = await binariesOf(context);
  const { stdout } = await gate.run(
    command(`${directory}/pg_waldump`, '-p', `${paths.data}/pg_wal`, '-t', String(timeline), '-s', common.lsn, '-n', '1'),
  );
  return !stdout.includes('rmgr:');
}

/**
 * Makes a former primary a standby on disk, in this order: its settings, then that it is a standby, and only then it may
 * start. Its slots were for standbys that follow another now, and would keep WAL for ever.
 */
async function becomeStandby({ context, upstream, gate }: Rejoining): Promise<void> {
  const { shell, paths } = context;
  if (await shell.exists(`${paths.data}/standby.signal`) && !(await shell.exists(paths.mark))) return;
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(upstreamFiles(context, upstream));
  const steps = [
    standbySignalLine(paths.data),
    `find ${quote(`${paths.data}/pg_replslot`)} -mindepth 1 -delete`,
    command('sync', `${paths.data}/pg_replslot`),
    `{ ${enableLine(context)}; }`,
    liftLine(context),
  ];
  await gate.must(steps.join(' && '), 'making it a standby');
}

/**
 * Ends one that hangs, and so would take no new settings, and one that was started with less than what its new primary may have:
 * it would stop replaying. Killed, it reads its settings when it starts, and goes on from what is on its disk.
 */
async function endIfUnfit({ context, gate, signal }: Rejoining): Promise<void> {
  const seen = await observeInstance(context, signal);
  const runs = seen.process === 'running' && seen.port !== undefined;
  if (seen.process === 'hung' || (runs && (await hasOutgrown(context, seen.port)))) await killAll(context, gate, signal);
}

async function rebuild(rejoining: Rejoining): Promise<Rejoined> {
  const { context, primary, client, source, upstream, gate, effect, signal } = rejoining;
  await moveAside(context, gate, signal);
  const how = (await rewinds(rejoining)) ? 'rewound' : 'copied';
  if (how === 'copied') await copyPrimary(context, primary, upstream, gate, effect);
  return {
    ...(await launchNew(context, gate, signal, { as: 'standby', look: () => waitUntilFollowing(context, client, source, signal) })), how,
  };
}

/** Rewinds where that is the better way; answers whether it did. A rewind that fails leaves a copy as the only way. */
async function rewinds({ context, primary, source, upstream, gate, signal }: Rejoining): Promise<boolean> {
  const { shell, paths, fleet, account } = context;
  const former = (await shell.exists(paths.mark)) && (await shell.exists(paths.made)) && (await shell.exists(`${paths.data}/PG_VERSION`));
  const canRewind = former && (account === undefined || fleet.hasNssWrapper);
  const freeBytes = (await roomOf(context))?.freeBytes ?? 0;
  const chosen = chooseRebuild({ canRewind, dataBytes: source.dataBytes, walBytes: source.walBytes, freeBytes });
  if (!canRewind || (fleet.rebuildBy ?? chosen) === 'copy') return false;
  try {
    await rewindInstance(context, primary, upstream, gate, signal);
    return true;
  } catch (error) {
    if (signal.aborted) throw timeIsOver('the rewind', signal);
    if (!(error instanceof EngineError) || error.kind === 'superseded' || error.kind === 'outcome-unknown') throw error;
    fleet.log.warn({ instanceId: context.instance.id }, `the rewind failed and the instance is copied anew: ${error.message}`);
    return false;
  }
}
