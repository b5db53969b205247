import type { Effect } from '../../../ports.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { freeSlot, upstreamFiles } from './follow-primary.js';
import { binariesOf } from '../files/instance-binaries.js';
import { asAccount, type InstanceContext } from '../../fleet/instance-context.js';
import { makeVolume } from '../../fleet/instance-volume.js';
import { connectionInfo, type Upstream } from '../files/instance-settings.js';
import { directoriesLine, newFiles } from '../files/instance-files.js';
import { killAll } from './run-instance.js';

/**
 * Copies the primary over TLS into a new directory, which takes the place of what is there only when it is complete
 * (`protocol.md`, rule 10). Does not start it.
 */
export async function copyPrimary(
  context: InstanceContext, primary: InstanceContext, upstream: Upstream, gate: Gate, effect: Effect,
): Promise<void> {
  // First, so that nothing begins to receive anew in its name.
  await killAll(context, gate, effect.signal);
  await Promise.all([freeSlot(context, primary, upstream.port, effect), prepareDirectories(context, upstream, gate)]);
  const { paths, account } = context;
  const { directory } = await binariesOf(primary);
  const backup = command(
    ...asAccount(account),
    `${directory}/pg_basebackup`,
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

async function prepareDirectories(context: InstanceContext, upstream: Upstream, gate: Gate): Promise<void> {
  const { paths, account } = context;
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  await makeVolume(context, gate);
  await gate.must(
    [
      directoriesLine(context),
      command('rm', '-rf', '--', paths.building),
      command('install', '-d', '-m', '0700', ...owner, paths.building),
    ].join(' && '),
    'making the instance\'s directories',
  );
  await gate.install([...(await newFiles(context)), ...upstreamFiles(context, upstream)], false);
}

/** A line that makes a data directory a standby's: durably, for it must never start as anything else. */
export function standbySignalLine(data: string): string {
  const file = `${data}/standby.signal`;
  return `touch ${quote(file)} && chown --reference=${quote(data)} ${quote(file)} && ${command('sync', file, data)}`;
}
