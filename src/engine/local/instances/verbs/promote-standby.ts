import type { Client } from 'pg';

import type { Effect, InstanceObservation } from '../../../ports.js';
import { EngineError } from '../../../errors.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { exactName } from '../../machine/host-shell.js';
import { waitUntil } from '../../../wait-until.js';
import { withKeptControl } from '../../sql/control-connection.js';
import { findPostmaster, instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { parseSynchronousNames, synchronousConfiguration } from '../files/instance-settings.js';
import { observeThrough } from '../watch/observe-instance.js';
import { bringUp } from './run-instance.js';
import { CONTROL_USER } from '../../sql/cluster-sql.js';
import { refuseMarked } from './start-instance.js';

/**
 * Makes a standby the primary and returns once it accepts writes (`protocol.md`, rule 9). If it is the
 * primary already, it only answers; if it is down, it is started first.
 *
 * The effect is a file and a signal to the postmaster, as `pg_ctl promote` does it; both are told apart from an older
 * caller's by {@link InstancePaths.promoting}, for {@link claimInstance} to see that one was asked for.
 */
export async function promoteStandby(context: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell, paths } = context;
  const { signal } = effect;
  const inside = <T>(body: (gate: Gate) => Promise<T>): Promise<T> => shell.fenced(instanceSubject(context, effect.token), signal, body);
  const running = await findPostmaster(context);
  if (running?.status !== 'ready') {
    await inside(async (gate) => {
      await refuseMarked(context);
      if (!(await shell.exists(paths.made))) {
        throw new EngineError('permanent', `instance ${context.instance.id} is not there`, 'elect another');
      }
      await bringUp(context, gate, signal);
    });
  }
  // Connected first: clients wait for what comes between the signal and the answer, and for as little else as can be.
  return withKeptControl(context, signal, (client) => inside((gate) => promoteThrough(context, client, gate, signal)));
}

async function promoteThrough(context: InstanceContext, client: Client, gate: Gate, signal: AbortSignal): Promise<InstanceObservation> {
  await refuseMarked(context);
  if (await isInRecovery(client)) {
    await emptyNames(context, gate);
    await trigger(context, gate);
    await waitUntil(`instance ${context.instance.id} to accept writes`, signal, async () =>
      (await stillReplays(client)) ? undefined : true,
    );
  }
  const [seen] = await Promise.all([observeThrough(context, client), gate.run(command('rm', '-f', '--', context.paths.promoting))]);
  return seen;
}

/**
 * Whether a standby has not been promoted yet. Until it is, its readers are ended: the replay that one holds up would hold
 * up the promotion.
 */
async function stillReplays(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>(END_READERS, [CONTROL_USER]);
  return rows[0]?.standby !== false;
}

const END_READERS = `SELECT pg_is_in_recovery() AS standby, (
  SELECT count(pg_terminate_backend(pid)) FROM pg_stat_get_activity(NULL)
   WHERE pg_is_in_recovery() AND backend_type = 'client backend' AND pg_get_userbyid(usesysid) <> $1)`;

export async function isInRecovery(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  return rows[0]?.standby !== false;
}

/**
 * Its own names are emptied before it can acknowledge anything. They are as good as always empty already: whatever makes
 * a standby empties them.
 */
async function emptyNames(context: InstanceContext, gate: Gate): Promise<void> {
  const { shell, paths, account } = context;
  const path = `${paths.etc}/synchronous.conf`;
  if (parseSynchronousNames((await shell.read(path)) ?? '').length === 0) return;
  await gate.install([{ path, content: synchronousConfiguration([]), mode: 0o600, ...(account ? { owner: account } : {}) }]);
  const postmaster = await findPostmaster(context);
  if (postmaster) await gate.must(command('signal_exactly', 'HUP', exactName(postmaster.process)), 'reloading the settings');
}

async function trigger(context: InstanceContext, gate: Gate): Promise<void> {
  const { paths } = context;
  const postmaster = await findPostmaster(context);
  if (!postmaster) throw new EngineError('transient', `standby ${context.instance.id} died`, 'observe it, then elect again');
  await gate.must(
    `: >${quote(paths.promoting)} && : >${quote(triggerFile(context))} `
      + `&& ${command('signal_exactly', 'USR1', exactName(postmaster.process))}`,
    'promoting',
  );
}

/** The file that PostgreSQL looks for when it is signalled, and once more at the moment at which it obeys. */
export function triggerFile({ paths }: InstanceContext): string {
  return `${paths.data}/promote`;
}
