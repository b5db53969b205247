import type { Effect } from '../../ports.js';
import { command, quote } from '../host-shell/gate-script.js';
import type { Gate } from '../host-shell/gate.js';
import { liftLine } from './fence-mark.js';
import { endReceivers, upstreamFiles } from './follow-primary.js';
import { asAccount, type InstanceContext } from './instance-context.js';
import { connectionInfo, type Upstream } from './instance-settings.js';
import { certificateFor, choosePort, configurationFiles, directoriesLine, killAll, launch } from './run-instance.js';

/**
 * Copies the primary over TLS into a new directory, which takes the place of what is there only when it is complete
 * (`protocol.md`, rule 10). Does not start it.
 */
export async function copyPrimary(context: InstanceContext, primary: InstanceContext, upstream: Upstream, gate: Gate, effect: Effect): Promise<void> {
  const { paths, fleet, account } = context;
  await killAll(context, gate, effect.signal);
  await endReceivers(context, primary, upstream.port, effect);
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
  await gate.must(`${backup} && ${standbySignalLine(paths.building)}`, 'pg_basebackup');
  await killAll(context, gate, effect.signal);
  const swap = [
    command('rm', '-rf', '--', paths.made, paths.replaced),
    `{ [ ! -e ${quote(paths.data)} ] || ${command('mv', '-T', '--', paths.data, paths.replaced)}; }`,
    command('mv', '-T', '--', paths.building, paths.data),
  ];
  await gate.must(swap.join(' && '), 'swapping the new copy in');
}

/** A line that makes a data directory a standby's: durably, for it must never start as anything else. */
export function standbySignalLine(data: string): string {
  const file = `${data}/standby.signal`;
  return `touch ${quote(file)} && chown --reference=${quote(data)} ${quote(file)} && ${command('sync', file, data)}`;
}

/**
 * Starts a standby whose files are new while they are being synced to disk; it counts as made, and its fence mark is
 * lifted, once they are (`protocol.md`, rule 11).
 */
export async function launchNew(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const { paths } = context;
  await launch(context, gate, signal);
  await gate.must(command('sync', '-f', paths.data, paths.control), 'syncing the copy');
  await gate.install([{ path: paths.made, content: 'standby\n', mode: 0o644 }]);
  await gate.must(`${liftLine(context)} && ${command('rm', '-rf', '--', paths.replaced, paths.rewinding, paths.promoting)}`, 'removing what was replaced');
}
