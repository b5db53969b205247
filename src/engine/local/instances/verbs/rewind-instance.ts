import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { standbySignalLine } from './copy-primary.js';
import { withControl } from '../../sql/control-connection.js';
import { clientTool, environmentLine, toolEnvironment } from '../../sql/client-tools.js';
import { upstreamFiles } from './follow-primary.js';
import { binariesOf } from '../files/instance-binaries.js';
import { asAccount, type InstanceContext } from '../../fleet/instance-context.js';
import type { Upstream } from '../files/instance-settings.js';
import { nssWrapperEnvironment, nssWrapperFiles } from '../files/nss-wrapper.js';
import { certificateFor, choosePort, configurationFiles, directoriesLine } from '../files/instance-files.js';
import { CONTROL_USER } from '../../sql/cluster-sql.js';

/**
 * Brings a data directory that diverged back onto the primary's path, and leaves it as a standby's that is not started.
 *
 * Meanwhile the directory has a name of its own: `pg_rewind` needs a pg_control, and nobody may start what is half
 * rewound, or rewound and not yet a standby (`protocol.md`, rule 11). What an interrupted rewind leaves is good for
 * nothing, and is copied anew.
 */
export async function rewindInstance(
  context: InstanceContext, primary: InstanceContext, upstream: Upstream, gate: Gate, signal: AbortSignal,
): Promise<void> {
  const { paths, account } = context;
  const { directory } = await binariesOf(context);
  // pg_rewind reads the primary's timeline from its last checkpoint, and a promotion does not wait for one.
  await withControl(primary, { signal }, (client) => client.query('CHECKPOINT'));
  const [port, certificate] = await Promise.all([choosePort(context), certificateFor(context)]);
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(
    [...(await configurationFiles(context, port, certificate, { leads: false })), ...upstreamFiles(context, upstream)], false,
  );
  const wrapped = account !== undefined;
  const control = `${paths.rewinding}/global/pg_control`;
  const away = [
    ...(wrapped ? [nssWrapperFiles(context)] : []),
    command('mv', '-T', '--', paths.data, paths.rewinding),
    `{ [ ! -e ${quote(`${control}.marked`)} ] || ${command('mv', '-T', '--', `${control}.marked`, control)}; }`,
    command('rm', '-f', '--', `${paths.rewinding}/standby.signal`, `${paths.rewinding}/postmaster.pid`),
  ];
  await gate.must(away.join(' && '), 'moving the data aside');
  const rewind = command(
    ...(wrapped ? ['env', ...nssWrapperEnvironment(context)] : []),
    ...asAccount(account),
    clientTool(directory, 'pg_rewind'),
    '--target-pgdata', paths.rewinding,
    // All else is in the environment.
    '--source-server', 'dbname=postgres',
    '--config-file', `${paths.etc}/postgresql.conf`,
    '--no-sync',
  );
  await gate.must(`${environmentLine(sourceEnvironment(primary, upstream))} ${rewind}`, 'pg_rewind');
  const back = [
    standbySignalLine(paths.rewinding),
    `find ${quote(`${paths.rewinding}/pg_replslot`)} -mindepth 1 -delete`,
    command('rm', '-f', '--', paths.made),
    command('mv', '-T', '--', paths.rewinding, paths.data),
  ];
  await gate.must(back.join(' && '), 'moving the data back');
}

/** As the control plane: a login that may read every file of the primary, through TLS with its identity checked. */
function sourceEnvironment(
  { instance, serverName }: InstanceContext, { address, port, rootCertificatePath }: Upstream,
): Record<string, string> {
  return toolEnvironment({
    host: address,
    serverName,
    port,
    user: CONTROL_USER,
    database: 'postgres',
    password: instance.database.secrets.control,
    authorityPath: rootCertificatePath,
    applicationName: `freehold-rewind-${instance.id}`, superuser: true,
  });
}
