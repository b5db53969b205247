import { EngineError } from '../../../errors.js';
import type { Effect, InstanceObservation } from '../../../ports.js';
import type { InstanceLocale } from '../../../instance-model.js';
import { scramVerifierSync } from '../../../../secrets/scram-verifier.js';
import { withControl } from '../../sql/control-connection.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { asAccount, instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { makeVolume } from '../../fleet/instance-volume.js';
import { launchNew } from './launch-new.js';
import { nssWrapperEnvironment, nssWrapperFiles } from '../files/nss-wrapper.js';
import { observeThrough } from '../watch/observe-instance.js';
import { directoriesLine, newFiles } from '../files/instance-files.js';
import { bringUp, killAll } from './run-instance.js';
import { refuseMarked } from './start-instance.js';
import { CONTROL_USER, dumpPassword, newDatabaseSql } from '../../sql/cluster-sql.js';

const PACKAGED_ACCOUNT = 'postgres';

/**
 * Makes a cluster of its own for a database, with a system identifier of its own.
 *
 * A finished one is only started. A half-made one is made anew: nobody could use it, since its route opens only later.
 */
export async function createPrimary(context: InstanceContext, effect: Effect): Promise<InstanceObservation> {
  const { shell, paths } = context;
  const { signal } = effect;
  const look = (): Promise<InstanceObservation> => withControl(context, { signal }, (client) => observeThrough(context, client));
  return shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
    await refuseMarked(context);
    if (!(await shell.exists(paths.made))) return makeCluster(context, gate, signal, look);
    await bringUp(context, gate, signal);
    return look();
  });
}

/** Of the operating system's locales, for what the chosen one does not cover. */
const SERVER_LOCALE = 'C.UTF-8';
const BY_CODE_POINT: InstanceLocale = { provider: 'libc', name: 'C.UTF-8' };

/** The words with which initdb makes every database of a cluster sort by a locale. */
export function localeOptions({ provider, name }: InstanceLocale = BY_CODE_POINT): string[] {
  const server = ['--locale', SERVER_LOCALE];
  if (provider === 'libc') return [...server, '--lc-collate', name, '--lc-ctype', name];
  return [...server, '--locale-provider', provider, provider === 'icu' ? '--icu-locale' : '--builtin-locale', name];
}

async function makeCluster(
  context: InstanceContext, gate: Gate, signal: AbortSignal, look: () => Promise<InstanceObservation>,
): Promise<InstanceObservation> {
  const { paths, shell } = context;
  if (await shell.exists(paths.home)) await killAll(context, gate, signal);
  await makeVolume(context, gate);
  await gate.must(command('rm', '-rf', '--', paths.home), 'removing a half-made instance');
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  // What a processor can do while the other one is busy with initdb.
  const [, files] = await Promise.all([runInitdb(context, gate), newFiles(context)]);
  await gate.install(files, false);
  return launchNew(context, gate, signal, { as: 'primary', look });
}

/**
 * Makes the cluster, its roles and the customer's database, in a directory that takes its name when all of it is there.
 *
 * Roles and database are made before the server ever starts, in PostgreSQL's single-user mode: nothing waits for the disk
 * file by file, since all of it is synced at once before the instance counts as made. Both programs look up the account
 * that they run as, so that a bare number will not do.
 */
async function runInitdb(context: InstanceContext, gate: Gate): Promise<void> {
  const { paths, fleet, account, shell } = context;
  const packaged = account ? await shell.lookUpAccount(PACKAGED_ACCOUNT) : undefined;
  const runner = packaged ?? account;
  if (account && !packaged && !fleet.hasNssWrapper) {
    throw new EngineError(
      'permanent', `there is no account "${PACKAGED_ACCOUNT}" to run initdb as`, 'apt-get install postgresql or libnss-wrapper',
    );
  }
  const wrapper = account && !packaged ? nssWrapperEnvironment(context) : [];
  const passwordFile = `${paths.home}/control-password`;
  const owner = runner ? ['-o', String(runner.uid), '-g', String(runner.gid)] : [];
  const { directory } = fleet.postgres.forNew();
  const running = [...(wrapper.length > 0 ? ['env', ...wrapper] : []), ...asAccount(runner)];
  const initdb = command(
    ...running,
    `${directory}/initdb`,
    '--pgdata', paths.building,
    '--username', CONTROL_USER,
    '--pwfile', passwordFile,
    '--auth', 'scram-sha-256',
    '--encoding', 'UTF8',
    ...localeOptions(context.instance.database.locale),
    '--data-checksums',
    '--wal-segsize', '4',
    '--no-instructions',
    '--no-sync',
  );
  const { database } = context.instance;
  const statements = newDatabaseSql({
    ...database,
    maxConnections: database.size.maxConnections,
    replicationVerifier: scramVerifierSync(database.secrets.replication),
    dumpVerifier: scramVerifierSync(dumpPassword(database.secrets.control)),
    controlPassword: database.secrets.control,
  });
  const single = command(...running, `${directory}/postgres`, '--single', '-F', '-D', paths.building, '-c', 'exit_on_error=on', 'postgres');
  const steps = [
    ...(wrapper.length > 0 ? [nssWrapperFiles(context)] : []),
    command('install', '-d', '-m', '0700', ...owner, paths.building),
    `${command('install', '-m', '0600', ...owner, '/dev/stdin', passwordFile)} <<< ${quote(database.secrets.control)}`,
    initdb,
    // Of what it writes only the last lines matter, if it fails.
    `${single} <<< ${quote(statements.join('\n'))}`,
    ...(account ? [command('chown', '-R', `${account.uid}:${account.gid}`, paths.building)] : []),
    command('mv', '-T', '--', paths.building, paths.data),
  ];
  await gate.must(`${steps.join(' && ')}; status=$?; rm -f -- ${quote(passwordFile)}; exit $status`, 'initdb');
}
