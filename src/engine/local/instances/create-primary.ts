import { EngineError } from '../../errors.js';
import type { Effect, InstanceObservation } from '../../ports.js';
import { withControl } from './control-connection.js';
import { command, quote } from '../host-shell/gate-script.js';
import type { Gate } from '../host-shell/gate.js';
import { asAccount, instanceSubject, sqlLine, type InstanceContext } from './instance-context.js';
import { nssWrapperEnvironment, nssWrapperFiles } from './nss-wrapper.js';
import { observeThrough } from './observe-instance.js';
import { bringUp, certificateFor, choosePort, configurationFiles, directoriesLine, killAll, launch } from './run-instance.js';
import { refuseMarked } from './start-instance.js';
import { CONTROL_USER, newDatabaseSql, scramVerifier } from './sql.js';

const PACKAGED_ACCOUNT = 'postgres';

/**
 * Makes a cluster of its own for a database, with a system identifier of its own.
 *
 * A finished one is only started. A half-made one is made anew: nobody could use it, since its route opens only later.
 */
export async function createPrimary(context: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell, paths } = context;
  await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    await refuseMarked(context);
    if (await shell.exists(paths.made)) return bringUp(context, gate, effect.signal);
    await makeCluster(context, gate, effect.signal);
  });
  return withControl(context, { signal: effect.signal }, (client) => observeThrough(context, client));
}

async function makeCluster(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const { paths, shell } = context;
  if (await shell.exists(paths.home)) {
    await killAll(context, gate, signal);
    await gate.must(command('rm', '-rf', '--', paths.home), 'removing a half-made instance');
  }
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  const [, port, certificate] = await Promise.all([runInitdb(context, gate), choosePort(context), certificateFor(context)]);
  const files = configurationFiles(context, port, certificate);
  // Not synced one by one: all of it is, at once, before the instance counts as made.
  await gate.install([...files, { path: paths.port, content: `${port}\n`, mode: 0o644 }], false);
  await launch(context, gate, signal);
  const { database } = context.instance;
  const statements = newDatabaseSql({ ...database, replicationVerifier: scramVerifier(database.secrets.replication) });
  await gate.must(
    `sync -f ${command(paths.data, paths.control)} & ${sqlLine(context, port, statements)} && wait $!`,
    'making the roles and the database',
  );
  await gate.install([{ path: paths.made, content: 'primary\n', mode: 0o644 }]);
}

/** The account that initdb runs as: it looks itself up, so that a bare number will not do. */
async function runInitdb(context: InstanceContext, gate: Gate): Promise<void> {
  const { paths, fleet, account, shell } = context;
  const packaged = account ? await shell.lookUpAccount(PACKAGED_ACCOUNT) : undefined;
  const runner = packaged ?? account;
  if (account && !packaged && !fleet.hasNssWrapper) {
    throw new EngineError('permanent', `there is no account "${PACKAGED_ACCOUNT}" to run initdb as`, 'apt-get install postgresql or libnss-wrapper');
  }
  const wrapper = account && !packaged ? nssWrapperEnvironment(context) : [];
  const passwordFile = `${paths.home}/control-password`;
  const owner = runner ? ['-o', String(runner.uid), '-g', String(runner.gid)] : [];
  const initdb = command(
    ...(wrapper.length > 0 ? ['env', ...wrapper] : []),
    ...asAccount(runner),
    `${fleet.binaries.directory}/initdb`,
    '--pgdata', paths.building,
    '--username', CONTROL_USER,
    '--pwfile', passwordFile,
    '--auth', 'scram-sha-256',
    '--encoding', 'UTF8',
    '--locale', 'C.UTF-8',
    '--data-checksums',
    '--wal-segsize', '4',
    '--no-instructions',
    '--no-sync',
  );
  const steps = [
    ...(wrapper.length > 0 ? [nssWrapperFiles(context)] : []),
    command('install', '-d', '-m', '0700', ...owner, paths.building),
    `${command('install', '-m', '0600', ...owner, '/dev/stdin', passwordFile)} <<< ${quote(context.instance.database.secrets.control)}`,
    initdb,
    ...(account ? [command('chown', '-R', `${account.uid}:${account.gid}`, paths.building)] : []),
    command('mv', '-T', '--', paths.building, paths.data),
  ];
  await gate.must(`${steps.join(' && ')}; status=$?; rm -f -- ${quote(passwordFile)}; exit $status`, 'initdb');
}
