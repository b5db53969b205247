import type { Client } from 'pg';

import { EngineError } from '../../../errors.js';
import type { Effect, InstanceObservation } from '../../../ports.js';
import { slotName } from '../../../slot-name.js';
import type { FileContent } from '../../machine/files.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { exactName } from '../../machine/host-shell.js';
import { waitUntil } from '../../../wait-until.js';
import { withControl } from '../../sql/control-connection.js';
import { sqlLine } from '../../sql/psql-line.js';
import { findPostmaster, instanceSubject, readPort, type InstanceContext } from '../../fleet/instance-context.js';
import { upstreamConfiguration, type Upstream } from '../files/instance-settings.js';
import { observeThrough } from '../watch/observe-instance.js';
import { directoriesLine } from '../files/instance-files.js';
import { bringUp } from './run-instance.js';
import { REPLICATION_USER } from '../../sql/cluster-sql.js';
import { createSlotSql, endReceiversSql } from '../../sql/slot-sql.js';
import { historyFile, parseHistory, type TimelinePath } from '../files/timeline-history.js';

/** The primary that a standby is to follow, as it is at this moment. */
export interface Source extends TimelinePath {
  readonly systemIdentifier: string;
  /** All databases together. */
  readonly dataBytes: number;
  /** The WAL that it keeps. */
  readonly walBytes: number;
}

const SOURCE_SQL = `
  SELECT pg_is_in_recovery() AS standby,
         (SELECT system_identifier::text FROM pg_control_system()) AS identifier,
         CASE WHEN NOT pg_is_in_recovery()
              THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline,
         (SELECT sum(pg_database_size(oid)) FROM pg_database)::float8 AS data,
         (SELECT sum(size) FROM pg_ls_waldir())::float8 AS wal`;

/** @throws EngineError `transient` if the source is not a primary now (`protocol.md`, rule 10). */
export async function readSource(primary: InstanceContext, client: Client): Promise<Source> {
  const { rows } = await client.query<{ standby: boolean; identifier: string; timeline: number | null; data: number; wal: number }>(
    SOURCE_SQL,
  );
  const [row] = rows;
  if (!row || row.standby || row.timeline === null) {
    throw new EngineError('transient', `instance ${primary.instance.id} is not a primary`, 'observe the database again');
  }
  // The first timeline has no history.
  const history = await client.query<{ text: string | null }>('SELECT pg_read_file($1, 0, 1000000, true) AS text', [
    historyFile(row.timeline),
  ]);
  return {
    systemIdentifier: row.identifier,
    timeline: row.timeline,
    dataBytes: row.data,
    walBytes: row.wal,
    history: parseHistory(history.rows[0]?.text ?? ''),
  };
}

/** Makes the standby's slot on the primary, by a gate of the primary's own: the token must be seen there too. */
export function createSlot(context: InstanceContext, primary: InstanceContext, port: number, effect: Effect): Promise<void> {
  return onPrimary(primary, port, createSlotSql(slotName(context.instance.id)), effect);
}

/**
 * Ends whatever receives WAL from the primary in the instance's name, so that its slot is free for a copy, and makes the
 * slot if it is not there. What could begin to receive anew is dead by then.
 */
export function freeSlot(context: InstanceContext, primary: InstanceContext, port: number, effect: Effect): Promise<void> {
  return onPrimary(primary, port, [endReceiversSql(context.instance.id), ...createSlotSql(slotName(context.instance.id))], effect);
}

async function onPrimary(primary: InstanceContext, port: number, statements: readonly string[], effect: Effect): Promise<void> {
  await primary.shell.fenced(instanceSubject(primary, effect.token), effect.signal, (gate) =>
    gate.must(sqlLine(primary, port, statements), 'making the replication slot'),
  );
}

/** @throws EngineError `transient` if the primary was not made yet. */
export async function portOf(primary: InstanceContext): Promise<number> {
  const port = await readPort(primary);
  if (port === undefined) throw new EngineError('transient', `primary ${primary.instance.id} was not made yet`, 'create it first');
  return port;
}

export function upstreamOf(context: InstanceContext, primary: InstanceContext, port: number): Upstream {
  return {
    address: primary.address,
    serverName: primary.serverName,
    port,
    user: REPLICATION_USER,
    instanceId: context.instance.id,
    slot: slotName(context.instance.id),
    passfile: `${context.paths.etc}/upstream.pgpass`,
    rootCertificatePath: context.authorityPath,
  };
}

/** The files that make an instance follow a primary, its own list of synchronous standbys emptied (`protocol.md`, rule 9). */
export function upstreamFiles(context: InstanceContext, upstream: Upstream): FileContent[] {
  const owned = context.account ? { owner: context.account } : {};
  const escape = (text: string): string => text.replaceAll(/([\\:])/g, '\\$1');
  const { secrets } = context.instance.database;
  return [
    { path: upstream.passfile, content: `*:*:*:${escape(upstream.user)}:${escape(secrets.replication)}\n`, mode: 0o600, ...owned },
    { path: `${context.paths.etc}/upstream.conf`, content: upstreamConfiguration(upstream), mode: 0o600, ...owned },
    { path: `${context.paths.etc}/synchronous.conf`, content: '', mode: 0o600, ...owned },
    // Read-only as it is; once it is promoted it is told anew.
    { path: context.paths.writing, content: '', mode: 0o600, ...owned },
  ];
}

/** Points an instance that is a standby on disk at the primary, and starts it or makes it read its settings again. */
export async function follow(context: InstanceContext, upstream: Upstream, gate: Gate, signal: AbortSignal): Promise<void> {
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(upstreamFiles(context, upstream));
  const running = await findPostmaster(context);
  if (running) await gate.run(command('signal_exactly', 'HUP', exactName(running.process)));
  await bringUp(context, gate, signal);
}

/** Returns once the primary sees the standby stream. */
export async function waitUntilStreaming(context: InstanceContext, primary: Client, signal: AbortSignal): Promise<void> {
  const { id } = context.instance;
  await waitUntil(`standby ${id} to stream`, signal, async () => {
    const { rowCount } = await primary.query(
      `SELECT FROM pg_stat_replication WHERE application_name = $1 AND usename = $2 AND state = 'streaming'`,
      [id, REPLICATION_USER],
    );
    if (rowCount === 1) return true;
    if (!(await findPostmaster(context))) {
      throw new EngineError('transient', `standby ${id} died before it streamed`, `see ${context.paths.log}`);
    }
    return undefined;
  });
}

/**
 * Returns once both ends say so. The standby's own word counts too: a standby that diverged is sent what the primary's timeline
 * has in common with its own before it finds out that it cannot follow.
 */
export async function waitUntilFollowing(
  context: InstanceContext, primary: Client, source: Source, signal: AbortSignal,
): Promise<InstanceObservation> {
  await waitUntilStreaming(context, primary, signal);
  return withControl(context, { signal }, (standby) =>
    waitUntil(`standby ${context.instance.id} to follow timeline ${source.timeline}`, signal, async () => {
      const seen = await observeThrough(context, standby);
      return seen.receiving === true && seen.timeline === source.timeline ? seen : undefined;
    }),
  );
}
