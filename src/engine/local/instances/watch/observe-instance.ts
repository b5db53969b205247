import type { Client } from 'pg';

import type { InstanceObservation, StandbyObservation } from '../../../ports.js';
import { isStopped } from '../../machine/processes.js';
import { withKeptControl } from '../../sql/control-connection.js';
import { findPostmaster, readPort, type InstanceContext } from '../../fleet/instance-context.js';
import { isClosed } from '../../fleet/instance-volume.js';
import { parseSynchronousNames } from '../files/instance-settings.js';
import { REPLICATION_USER } from '../../sql/cluster-sql.js';

/** SQLSTATE of "the database system is starting up" and its like. */
const CANNOT_CONNECT_NOW = '57P03';

/*
 * What a held session asks, it asks of the functions behind PostgreSQL's statistics views and not of the views: those
 * join catalogs, whose descriptions then stay in the session's memory, 1.3 MB of it. The columns are the same in 15 to 18.
 */

/** Who streams from a primary: what {@link StandbyObservation} holds, as JSON; the replication role is the one parameter. */
export const STANDBYS_SQL = `
         (SELECT coalesce(json_agg(json_build_object(
                   'instanceId', client.application_name, 'state', sender.state, 'syncState', sender.sync_state,
                   'flushLsn', sender.flush_lsn::text,
                   'lagBytes', greatest(0, pg_wal_lsn_diff(
                      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, sender.flush_lsn)),
                   'lagSeconds', coalesce(extract(epoch FROM sender.replay_lag), 0)) ORDER BY client.application_name), '[]')
            FROM pg_stat_get_wal_senders() AS sender JOIN pg_stat_get_activity(NULL) AS client USING (pid)
           WHERE pg_get_userbyid(client.usesysid) = $1 AND client.application_name <> 'pg_basebackup')`;
/**
 * The end of an instance's WAL: written on a primary, received on a standby. A standby that has just been started answers
 * long before it has read what is on its own disk, and does not know the end until it waits for more: then it is null.
 */
export const LSN_SQL = `
         CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()
              WHEN pg_last_wal_receive_lsn() IS NOT NULL THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              WHEN EXISTS (SELECT FROM pg_stat_get_activity(NULL) WHERE backend_type = 'startup'
                           AND wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream'))
              THEN pg_last_wal_replay_lsn() END::text`;
/** Whether a standby's WAL receiver streams. */
export const RECEIVING_SQL = `EXISTS (SELECT FROM pg_stat_get_wal_receiver() WHERE status = 'streaming')`;

const OBSERVE_SQL = `
  SELECT pg_is_in_recovery() AS standby,
         current_setting('server_version') AS version,
         (SELECT system_identifier::text FROM pg_control_system()) AS identifier,
         CASE WHEN pg_is_in_recovery()
              THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline,
         ${LSN_SQL} AS lsn,
         current_setting('synchronous_standby_names') AS names,
         ${RECEIVING_SQL} AS receiving,
         ${STANDBYS_SQL} AS standbys`;

interface ObservedRow {
  standby: boolean;
  version: string;
  identifier: string;
  timeline: number;
  lsn: string | null;
  names: string;
  receiving: boolean;
  standbys: StandbyObservation[];
}

/**
 * Sees what is there, within a bounded time; what cannot be asked is left out.
 *
 * @throws EngineError `transient` if the signal ended it before anything could be told.
 */
export async function observeInstance(context: InstanceContext, signal: AbortSignal): Promise<InstanceObservation> {
  const { shell, paths } = context;
  const [exists, marked, port, postmaster] = await Promise.all([
    isComplete(context),
    shell.exists(paths.mark),
    readPort(context),
    findPostmaster(context),
  ]);
  const seen = { exists, marked, address: context.address, ...(port === undefined ? {} : { port }) };
  if (!postmaster || port === undefined) return { ...seen, process: 'stopped' };
  if (isStopped(postmaster.process)) return { ...seen, process: 'hung' };
  try {
    return await withKeptControl(context, signal, (client) => observeThrough(context, client));
  } catch (error) {
    // Who asks no longer must not be told that the server hangs.
    if (signal.aborted) throw error;
    return { ...seen, process: await judgeSilence(context, (error as { code?: string }).code) };
  }
}

/** The same through a connection that is open already. */
export async function observeThrough(context: InstanceContext, client: Client): Promise<InstanceObservation> {
  const { shell, paths } = context;
  const [exists, marked, port, result] = await Promise.all([
    isComplete(context),
    shell.exists(paths.mark),
    readPort(context),
    client.query<ObservedRow>(OBSERVE_SQL, [REPLICATION_USER]),
  ]);
  const row = result.rows[0];
  const seen = { exists, marked, address: context.address, ...(port === undefined ? {} : { port }) };
  if (!row) return { ...seen, process: 'hung' };
  return {
    ...seen,
    process: 'running',
    role: row.standby ? 'standby' : 'primary',
    postgresVersion: row.version.split(' ')[0] ?? row.version,
    systemIdentifier: row.identifier,
    timeline: row.timeline,
    ...(row.lsn === null ? {} : { lsn: row.lsn }),
    synchronousStandbys: parseSynchronousNames(row.names),
    ...(row.standby ? { receiving: row.receiving } : { standbys: row.standbys }),
  };
}

/** What is in a volume that is closed is there all the same. */
async function isComplete(context: InstanceContext): Promise<boolean> {
  const { shell, paths } = context;
  return ((await shell.exists(paths.made)) && (await shell.exists(`${paths.data}/PG_VERSION`))) || isClosed(context);
}

/** What a postmaster is doing that did not answer: it may have died meanwhile, be starting, refuse this role, or hang. */
async function judgeSilence(context: InstanceContext, code: string | undefined): Promise<InstanceObservation['process']> {
  const postmaster = await findPostmaster(context);
  if (!postmaster) return 'stopped';
  if (code === CANNOT_CONNECT_NOW || postmaster.status === 'starting' || postmaster.status === 'standby') return 'starting';
  // Five characters are a SQLSTATE: the server lives and said so.
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? 'running' : 'hung';
}
