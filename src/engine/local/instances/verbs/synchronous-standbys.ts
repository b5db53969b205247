import type { Client } from 'pg';

import { EngineError } from '../../../errors.js';
import type { Effect, Lsn } from '../../../ports.js';
import { exactName } from '../../machine/host-shell.js';
import { command } from '../../machine/gate-script.js';
import { waitUntil } from '../../../wait-until.js';
import { withControl } from '../../sql/control-connection.js';
import { findPostmaster, instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { parseSynchronousNames, synchronousConfiguration } from '../files/instance-settings.js';
import { REPLICATION_USER } from '../../sql/cluster-sql.js';

const NAME = /^[A-Za-z0-9_-]{1,63}$/;

/**
 * Sets the whole list of synchronous standbys and returns once it is loaded (`protocol.md`, rule 3d), with an LSN that
 * was read after that.
 *
 * The effect is a file and a SIGHUP: the file is replaced under the lock, and a signal that comes late makes the server
 * read what the file says by then.
 */
export async function setSynchronousStandbys(primary: InstanceContext, ids: readonly string[], effect: Effect): Promise<{ lsn: Lsn }> {
  const misfit = ids.find((id) => !NAME.test(id));
  if (misfit !== undefined) throw new EngineError('permanent', `"${misfit}" is not an instance's id`);
  const { shell, paths, account } = primary;
  await shell.fenced(instanceSubject(primary, effect.token), effect.signal, async (gate) => {
    const postmaster = await findPostmaster(primary);
    if (!postmaster) throw new EngineError('transient', `primary ${primary.instance.id} does not run`, 'observe the database again');
    const content = synchronousConfiguration(ids);
    await gate.install([{ path: `${paths.etc}/synchronous.conf`, content, mode: 0o600, ...(account ? { owner: account } : {}) }]);
    await gate.must(command('signal_exactly', 'HUP', exactName(postmaster.process)), 'reloading the settings');
  });
  const lsn = await waitUntilLoaded(primary, ids, effect.signal);
  // A caller with a higher token may have changed it since it was read.
  await shell.refuseOlder(instanceSubject(primary, effect.token));
  return { lsn };
}

/** Only a session that begins after the reload shows what sessions are told; an old one may have read it early or late. */
function waitUntilLoaded(primary: InstanceContext, ids: readonly string[], signal: AbortSignal): Promise<Lsn> {
  return waitUntil('the synchronous standbys to be shown', signal, () =>
    withControl(primary, { signal }, async (client) => {
      const { rows } = await client.query<{ names: string }>(`SELECT current_setting('synchronous_standby_names') AS names`);
      return sameNames(parseSynchronousNames(rows[0]?.names ?? ''), ids) ? checkpointThenCheck(client, ids, signal) : undefined;
    }),
  );
}

/**
 * The checkpointer is what turns waiting on and off for everyone, and it reads its settings between checkpoints: one
 * that was asked for now returns after it has. Only then is `sync_state` believed.
 */
async function checkpointThenCheck(client: Client, ids: readonly string[], signal: AbortSignal): Promise<Lsn> {
  await client.query('CHECKPOINT');
  await waitUntil(`${ids.join(', ') || 'no standby'} to be synchronous`, signal, async () => {
    const { rows } = await client.query<{ id: string; state: string }>(
      `SELECT application_name AS id, sync_state AS state FROM pg_stat_replication WHERE usename = $1 AND state = 'streaming'`,
      [REPLICATION_USER],
    );
    const quorum = rows.filter((row) => row.state === 'quorum' || row.state === 'sync').map((row) => row.id);
    return sameNames(quorum, ids) ? true : undefined;
  });
  const { rows } = await client.query<{ lsn: Lsn }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  const lsn = rows[0]?.lsn;
  if (lsn === undefined) throw new EngineError('transient', 'the primary did not say how far its WAL is');
  return lsn;
}

/** Returns once the primary has heard that the standby has everything up to the LSN on its disk. */
export async function waitForFlush(primary: InstanceContext, standbyId: string, lsn: Lsn, effect: Effect): Promise<void> {
  if (!/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(lsn)) throw new EngineError('permanent', `"${lsn}" is not an LSN`);
  await primary.shell.refuseOlder(instanceSubject(primary, effect.token));
  await withControl(primary, { signal: effect.signal }, (client) =>
    waitUntil(`standby ${standbyId} to flush ${lsn}`, effect.signal, async () => {
      const { rowCount } = await client.query(
        'SELECT FROM pg_stat_replication WHERE application_name = $1 AND usename = $2 AND flush_lsn >= $3::pg_lsn',
        [standbyId, REPLICATION_USER, lsn],
      );
      return rowCount === 0 ? undefined : true;
    }),
  );
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join() === [...b].sort().join();
}
