import { availableParallelism } from 'node:os';
import type { RestoredInstance, RestoreTarget, StoredBackup } from '../../backups-port.js';
import type { DatabaseSpec, Effect } from '../../ports.js';
import { EngineError } from '../../errors.js';
import { scramVerifierSync } from '../../../secrets/scram-verifier.js';
import { command } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { withControl } from '../sql/control-connection.js';
import { instanceSubject, readPort, type InstanceContext } from '../fleet/instance-context.js';
import { openVolume } from '../fleet/instance-volume.js';
import { launchNew } from '../instances/verbs/launch-new.js';
import { observeInstance, observeThrough } from '../instances/watch/observe-instance.js';
import { newFiles } from '../instances/files/instance-files.js';
import { bringUp, killAll } from '../instances/verbs/run-instance.js';
import { ownerLoginSql } from '../sql/owner-login-sql.js';
import { equipSql } from '../sql/pooler-sql.js';
import { CONTROL_USER, dumpPassword, dumpRoleSql, letDumpsInSql, REPLICATION_USER } from '../sql/cluster-sql.js';
import { quoteIdentifier, quoteLiteral } from '../sql/quote-sql.js';
import { refuseMarked } from '../instances/verbs/start-instance.js';
import { openFrozen } from './frozen-copies.js';
import { listBackups } from './list-backups.js';
import { chooseBackup, endOf, isolatedSql, restoreCluster, socketDirectory, stopCluster } from './restore-cluster.js';
import type { SiteWork } from './site-work.js';

/** Its clients have nothing until it is there; each file is decrypted and unpacked by one core. */
const FILES_AT_ONCE = Math.min(8, availableParallelism());

/**
 * Makes a primary of its own from a backup, with the secrets of the instance's database; its names are those of the backup.
 *
 * A finished one is only started. A half-made one is made anew: nobody could use it, for until everything in it is its own
 * it is reached by nobody. What fails leaves nothing behind, so that a host without room has as much as before.
 */
export async function restoreInstance(
  context: InstanceContext, work: SiteWork, target: RestoreTarget, effect: Effect, progress: (doneBytes: number, ofBytes: number) => void,
): Promise<RestoredInstance> {
  const { shell, paths } = context;
  const { signal } = effect;
  return shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
    await refuseMarked(context);
    await openVolume(context, signal);
    if (await shell.exists(paths.made)) {
      await bringUp(context, gate, signal);
      return observeInstance(context, signal);
    }
    const source = await chooseSource(work, target, signal);
    await clearInstance(context, gate, signal);
    try {
      await restoreCluster(context, gate, { ...source, end: endOf(target), filesAtOnce: FILES_AT_ONCE, progress, signal });
      return await open(context, gate, signal);
    } catch (error) {
      await clearInstance(context, gate, signal).catch(() => undefined);
      throw error;
    }
  });
}

/** The backup to begin with, and where it is read. */
export async function chooseSource(
  work: SiteWork, target: RestoreTarget, signal: AbortSignal,
): Promise<{ readonly work: SiteWork; readonly backup: StoredBackup }> {
  if (work.site.kind === 'live') return { work, backup: chooseBackup(await listBackups(work, signal), target) };
  if (!('backup' in target)) {
    throw new EngineError('permanent', `site ${work.site.id} keeps no wal beside its backups`, 'name one of its backups');
  }
  return openFrozen(work, target.backup.label);
}

/** Ends what runs of an instance that nobody uses, and removes its files. */
export async function clearInstance(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  await killAll(context, gate, signal);
  await gate.must(command('rm', '-rf', '--', context.paths.home, socketDirectory(context)), 'removing a half-made instance');
}

/** Gives the cluster its own secrets and account, and only then lets anybody in; it counts as made once it is on disk. */
async function open(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<RestoredInstance> {
  const { paths, instance, account } = context;
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${instance.id} has no port`, 'try again');
  const lastCommit = await gate.must(isolatedSql(context, port, [LAST_COMMIT]), 'asking for the last commit that was restored');
  await gate.must(isolatedSql(context, port, identitySql(instance.database)), 'giving the restored database its own secrets');
  await stopCluster(context, gate, signal);
  if (account) {
    await gate.must(command('chown', '-R', `${account.uid}:${account.gid}`, paths.home), 'giving the files to the database\'s account');
  }
  await gate.install(await newFiles(context), false);
  const seen = await launchNew(context, gate, signal, {
    as: 'primary', look: () => withControl(context, { signal }, (client) => observeThrough(context, client)),
  });
  const restoredTo = new Date(lastCommit.trim());
  return { ...seen, ...(Number.isFinite(restoredTo.getTime()) && { restoredTo }) };
}

/** Empty where no commit was played, as of a backup that nothing followed. */
const LAST_COMMIT = `SELECT to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');`;

/** Passwords are set as verifiers: what is sent is no secret of anybody's. The owner may have dropped or renamed the database by then. */
function identitySql(database: DatabaseSpec): string[] {
  const password = (role: string, verifier: string): string => `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteLiteral(verifier)};`;
  return [
    password(REPLICATION_USER, scramVerifierSync(database.secrets.replication)),
    password(CONTROL_USER, scramVerifierSync(database.secrets.control)),
    ...dumpRoleSql(scramVerifierSync(dumpPassword(database.secrets.control))),
    `SELECT ${quoteLiteral(letDumpsInSql(database.name))} `
      + `WHERE EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(database.name)}) \\gexec`,
    // A backup of an earlier version has none of it. It goes on in another database.
    ...equipSql({ owner: database.owner, maxConnections: database.size.maxConnections }, database.secrets.control),
    '\\connect postgres',
    ...ownerLoginSql(database),
  ];
}
