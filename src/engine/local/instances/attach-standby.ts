import type { Client } from 'pg';

import { EngineError } from '../../errors.js';
import type { Effect, InstanceObservation } from '../../ports.js';
import type { FileContent } from '../host-shell/files.js';
import { command, quote } from '../host-shell/gate-script.js';
import type { Gate } from '../host-shell/gate.js';
import { exactName } from '../host-shell/host-shell.js';
import { timeIsOver, waitUntil } from '../wait-until.js';
import { withControl } from './control-connection.js';
import { asAccount, findPostmaster, instanceSubject, readPort, sqlLine, type InstanceContext } from './instance-context.js';
import { slotName } from './instance-layout.js';
import { connectionInfo, upstreamConfiguration, type Upstream } from './instance-settings.js';
import { observeInstance } from './observe-instance.js';
import { bringUp, certificateFor, choosePort, configurationFiles, directoriesLine, killAll, launch } from './run-instance.js';
import { refuseMarked } from './start-instance.js';
import { createSlotSql, REPLICATION_USER } from './sql.js';

/** How long a standby that is there already may take to stream before it is copied anew. */
const RESUME_WITHIN_MS = 5_000;

/**
 * Makes a standby that streams from the primary.
 *
 * One that is there already is started and left as it is, if it then streams. Otherwise the primary is copied over TLS
 * into a new directory, which takes the old one's place only when it is complete (`protocol.md`, rule 10).
 */
export async function attachStandby(context: InstanceContext, primary: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell } = context;
  await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    await refuseMarked(context);
    await refuseData(context);
    // On the primary by a gate of its own: its token must be seen there too.
    const port = await createSlot(context, primary, effect);
    await withControl(primary, { signal: effect.signal }, async (client) => {
      await refuseStandby(primary, client);
      const upstream = upstreamOf(context, primary, port);
      if (await resumes(context, upstream, client, gate, effect.signal)) return;
      await copyPrimary(context, upstream, gate, effect.signal);
      await launchCopy(context, gate, effect.signal);
      await waitUntilStreaming(context, client, effect.signal);
    });
  });
  return observeInstance(context, effect.signal);
}

/** An instance that was a primary may hold the last copy of something: it is rejoined or destroyed, never overwritten. */
async function refuseData({ shell, paths, instance }: InstanceContext): Promise<void> {
  if ((await shell.exists(paths.made)) && (await shell.exists(`${paths.data}/PG_VERSION`)) && !(await shell.exists(`${paths.data}/standby.signal`))) {
    throw new EngineError('permanent', `instance ${instance.id} holds the data of a primary`, 'destroy it first, or rejoin it');
  }
}

async function refuseStandby(primary: InstanceContext, client: Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  if (rows[0]?.standby !== false) {
    throw new EngineError('transient', `instance ${primary.instance.id} is not a primary`, 'observe the database again');
  }
}

async function createSlot(context: InstanceContext, primary: InstanceContext, effect: Effect): Promise<number> {
  return primary.shell.fenced(instanceSubject(primary, effect.token), effect.signal, async (gate) => {
    const port = await readPort(primary);
    if (port === undefined) throw new EngineError('transient', `primary ${primary.instance.id} was not made yet`, 'create it first');
    await gate.must(sqlLine(primary, port, createSlotSql(slotName(context.instance.id))), 'making the replication slot');
    return port;
  });
}

function upstreamOf(context: InstanceContext, primary: InstanceContext, port: number): Upstream {
  return {
    address: primary.address,
    port,
    user: REPLICATION_USER,
    instanceId: context.instance.id,
    slot: slotName(context.instance.id),
    passfile: `${context.paths.etc}/upstream.pgpass`,
    rootCertificatePath: context.authorityPath,
  };
}

/** Points a standby that is complete at the primary, starts it, and answers whether it streams from this primary soon. */
async function resumes(context: InstanceContext, upstream: Upstream, primary: Client, gate: Gate, signal: AbortSignal): Promise<boolean> {
  if (!(await context.shell.exists(context.paths.made))) return false;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(RESUME_WITHIN_MS)]);
  try {
    await gate.must(directoriesLine(context), 'making the instance\'s directories');
    await gate.install(upstreamFiles(context, upstream));
    const running = await findPostmaster(context);
    if (running) await gate.run(command('signal_exactly', 'HUP', exactName(running.process)));
    await bringUp(context, gate, patience);
    await waitUntilStreaming(context, primary, patience);
    return true;
  } catch (error) {
    if (signal.aborted) throw timeIsOver('the standby to stream', signal);
    if (error instanceof EngineError && error.kind === 'superseded') throw error;
    context.fleet.log.warn({ instanceId: context.instance.id }, `the standby does not stream and is copied anew: ${(error as Error).message}`);
    return false;
  }
}

async function copyPrimary(context: InstanceContext, upstream: Upstream, gate: Gate, signal: AbortSignal): Promise<void> {
  const { paths, fleet, account, shell } = context;
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  await gate.must(
    [directoriesLine(context), command('rm', '-rf', '--', paths.building), command('install', '-d', '-m', '0700', ...owner, paths.building)].join(' && '),
    'making the instance\'s directories',
  );
  const [port, certificate] = await Promise.all([choosePort(context), certificateFor(context)]);
  await gate.install([
    ...configurationFiles(context, port, certificate),
    ...upstreamFiles(context, upstream),
    { path: paths.port, content: `${port}\n`, mode: 0o644 },
  ], false);
  const backup = command(
    ...asAccount(account),
    `${fleet.binaries.directory}/pg_basebackup`,
    '--dbname', connectionInfo(upstream),
    '--pgdata', paths.building,
    '--slot', upstream.slot,
    '--wal-method', 'stream',
    '--checkpoint', 'fast',
    '--no-manifest',
    '--no-sync',
  );
  await gate.must(`${backup} && touch ${quote(`${paths.building}/standby.signal`)} && chown --reference=${quote(paths.building)} ${quote(`${paths.building}/standby.signal`)}`, 'pg_basebackup');
  if (await shell.exists(paths.data)) {
    await killAll(context, gate, signal);
    await gate.must(command('rm', '-rf', '--', paths.made, paths.data), 'removing the old copy');
  }
  await gate.must(command('mv', '-T', '--', paths.building, paths.data), 'swapping the new copy in');
}

function upstreamFiles(context: InstanceContext, upstream: Upstream): FileContent[] {
  const owned = context.account ? { owner: context.account } : {};
  const escape = (text: string): string => text.replaceAll(/([\\:])/g, '\\$1');
  const { secrets } = context.instance.database;
  return [
    { path: upstream.passfile, content: `*:*:*:${escape(upstream.user)}:${escape(secrets.replication)}\n`, mode: 0o600, ...owned },
    { path: `${context.paths.etc}/upstream.conf`, content: upstreamConfiguration(upstream), mode: 0o600, ...owned },
    // A copy begins with no synchronous standbys of its own (rule 9).
    { path: `${context.paths.etc}/synchronous.conf`, content: '', mode: 0o600, ...owned },
  ];
}

/** Starts the copy while it is being synced to disk; it counts as made once it is. */
async function launchCopy(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  await launch(context, gate, signal);
  await gate.must(command('sync', '-f', context.paths.data, context.paths.control), 'syncing the copy');
  await gate.install([{ path: context.paths.made, content: 'standby\n', mode: 0o644 }]);
}

async function waitUntilStreaming(context: InstanceContext, primary: Client, signal: AbortSignal): Promise<void> {
  const { id } = context.instance;
  await waitUntil(`standby ${id} to stream`, signal, async () => {
    const { rowCount } = await primary.query(
      `SELECT FROM pg_stat_replication WHERE application_name = $1 AND usename = $2 AND state = 'streaming'`,
      [id, REPLICATION_USER],
    );
    if (rowCount === 1) return true;
    if (!(await findPostmaster(context))) throw new EngineError('transient', `standby ${id} died before it streamed`, `see ${context.paths.log}`);
    return undefined;
  });
}
