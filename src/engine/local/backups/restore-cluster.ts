import { reasonOf } from '../../../base/reason-of.js';
import type { RestoreTarget, StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import { command, quote } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { lastLines, saysNoRoom } from '../machine/tool-failure.js';
import { exactName } from '../machine/host-shell.js';
import { waitUntil } from '../../wait-until.js';
import { socketsDirectory } from '../fleet/fleet-layout.js';
import { asAccount, findPostmaster, type InstanceContext } from '../fleet/instance-context.js';
import { makeVolume, roomOf } from '../fleet/instance-volume.js';
import { directoriesLine, newFiles } from '../instances/files/instance-files.js';
import { spawnPostmaster, waitUntilReady } from '../instances/verbs/run-instance.js';
import { CONTROL_USER } from '../sql/cluster-sql.js';
import { quoteIdentifier } from '../sql/quote-sql.js';
import { isolatedSqlLine } from '../sql/psql-line.js';
import { backrestFailure, DamagedError } from './backrest-failure.js';
import { backrestWords, type SiteWork } from './site-work.js';

const PROGRESS_MS = 500;
const LOG_TAIL_BYTES = 16 * 1024;
/** Recovery syncs the data directory file by file unless it is told to sync the volume; what is restored is synced at its end. */
const SYNC_AT_ONCE = 'recovery_init_sync_method=syncfs';

/** Where WAL ends that is played into a restored cluster. */
export type RecoveryTarget = { readonly consistent: true } | { readonly time: Date | 'latest' };

export interface ClusterRestore {
  readonly work: SiteWork;
  readonly backup: StoredBackup;
  readonly end: RecoveryTarget;
  /** How many files are copied side by side. */
  readonly filesAtOnce: number;
  readonly progress: (doneBytes: number, ofBytes: number) => void;
  /** Whether a file system has room for so many bytes; if not given, they need only be free. */
  readonly hasRoom?: (room: { readonly usedBytes: number; readonly freeBytes: number }, bytes: number) => boolean;
  /** Roles that are let in beside the control plane. */
  readonly letIn?: readonly string[];
  /** Settings of the server that plays the WAL, as `name=value`. */
  readonly settings?: readonly string[];
  readonly signal: AbortSignal;
}

export function endOf(target: RestoreTarget): RecoveryTarget {
  return 'backup' in target ? { consistent: true } : { time: target.time };
}

/** The catalogues know no more than seconds, and a recovery may not end before its backup does: an earlier one is surer. */
const CATALOGUE_MS = 1_000;

/** The newest backup that was complete at the moment that is wanted, or the one that is named. */
export function chooseBackup(backups: readonly StoredBackup[], target: RestoreTarget): StoredBackup {
  const newest = [...backups].sort((a, b) => b.finishedAt.getTime() - a.finishedAt.getTime());
  if ('backup' in target) {
    const named = newest.find(({ label }) => label === target.backup.label);
    if (!named) throw new DamagedError(`site ${target.backup.site} has no backup ${target.backup.label}`, 'list the backups again');
    return named;
  }
  const { time } = target;
  const wholeBy = (laterMs: number): StoredBackup | undefined =>
    newest.find(({ finishedAt }) => time === 'latest' || finishedAt.getTime() + laterMs <= time.getTime());
  const found = wholeBy(CATALOGUE_MS) ?? wholeBy(0);
  if (found) return found;
  const first = newest.at(-1)?.finishedAt.toISOString();
  throw new EngineError(
    'permanent', `site ${target.site} has no backup from before that time`, first ? `choose a time from ${first} on` : 'use another site',
  );
}

/**
 * Restores a backup into the instance's directories and plays WAL until it is a primary. Nobody can reach it but through a
 * socket in a directory of its own account's, as {@link isolatedSql} does.
 *
 * All of it runs as the account of the database that the backup is of, which alone may read the repository; whoever goes
 * on gives the files to their new account.
 */
export async function restoreCluster(target: InstanceContext, gate: Gate, restore: ClusterRestore): Promise<void> {
  const { paths } = target;
  const { work, backup, end, signal } = restore;
  const context = { ...target, account: work.account };
  await makeVolume(context, gate);
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(cutOff(context, await newFiles(context), restore.letIn), false);
  await fetchBackup(context, gate, restore);
  const steps = [
    `: >${quote(`${paths.building}/postgresql.auto.conf`)}`,
    asAccountLine(context, 'touch', `${paths.building}/recovery.signal`),
    command('rm', '-f', '--', `${paths.building}/standby.signal`),
    command('mv', '-T', '--', paths.building, paths.data),
    asAccountLine(context, 'install', '-d', '-m', '0700', socketDirectory(context)),
  ];
  await gate.must(`${socketRoomLine(context)} && ${steps.join(' && ')}`, 'preparing the restore');
  const child = await spawnPostmaster(
    context, gate, [...recoverySettings(context, work, end), ...(restore.settings ?? [])].flatMap((setting) => ['-c', setting]),
  );
  await waitUntilReady(context, signal, child).catch(async (error: unknown) => {
    throw signal.aborted ? error : restoreFailure(error, await context.shell.readTail(paths.log, LOG_TAIL_BYTES), backup);
  });
}

/** The settings of the recovery are given to the server's start, and so last no longer than this server. */
function recoverySettings(context: InstanceContext, work: SiteWork, end: RecoveryTarget): string[] {
  return [SYNC_AT_ONCE, ...playSettings(work, context.paths.data, end), `unix_socket_directories=${socketDirectory(context)}`];
}

/** Settings by which a server plays WAL from a site up to the end that is wanted, and becomes a primary then. */
export function playSettings(work: SiteWork, data: string, end: RecoveryTarget, configuration = work.configuration): string[] {
  const get = command(...backrestWords(work, 'archive-get', [`--pg1-path=${data}`], configuration));
  return [
    `restore_command=${get} %f "%p"`,
    'recovery_target_action=promote',
    // A smaller plan than the one of the backup would stop a recovery that may be read.
    'hot_standby=off',
    ...('consistent' in end ? ['recovery_target=immediate', 'recovery_target_timeline=current'] : []),
    ...('time' in end && end.time !== 'latest' ? [`recovery_target_time=${end.time.toISOString().replace('Z', '+00')}`] : []),
  ];
}

/** Short, since a socket's path may have 107 bytes. */
export function socketDirectory({ fleet, instance }: InstanceContext): string {
  return `${socketsDirectory(fleet.root)}/i${instance.database.account}/${instance.id}`;
}

function socketRoomLine({ fleet, instance, account }: InstanceContext): string {
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  return command('install', '-d', '-m', '0700', ...owner, `${socketsDirectory(fleet.root)}/i${instance.database.account}`);
}

/** The instance's files, but that nobody is let in through the network. */
function cutOff(
  context: InstanceContext, files: Awaited<ReturnType<typeof newFiles>>, letIn: readonly string[] = [],
): Awaited<ReturnType<typeof newFiles>> {
  const access = `${context.paths.etc}/pg_hba.conf`;
  const trusted = [CONTROL_USER, ...letIn].map((role) => `local all ${quoteIdentifier(role)} trust\n`).join('');
  const content = `${trusted}local all all reject\nlocal replication all reject\n`
    + 'host all all all reject\nhost replication all all reject\n';
  return files.map((file) => (file.path === access ? { ...file, content } : file));
}

/** pgBackRest says only that it could not write. */
async function requireRoom(
  context: InstanceContext, { label, databaseBytes }: StoredBackup, hasRoom: ClusterRestore['hasRoom'],
): Promise<void> {
  const room = await roomOf(context);
  if (room && !(hasRoom ? hasRoom(room, databaseBytes) : room.freeBytes >= databaseBytes)) {
    throw new EngineError(
      'transient',
      `there is no room for ${label}: it takes ${databaseBytes} bytes, and ${room.freeBytes} are `
        + `free${hasRoom ? ', some of which databases may need' : ''}`,
      'make room on the host, or restore on another',
    );
  }
}

async function fetchBackup(
  context: InstanceContext, gate: Gate, { work, backup, filesAtOnce, progress, hasRoom }: ClusterRestore,
): Promise<void> {
  const { paths, account, shell } = context;
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  await gate.must(
    `${command('rm', '-rf', '--', paths.building)} && ${command('install', '-d', '-m', '0700', ...owner, paths.building)}`,
    'making the data directory',
  );
  await requireRoom(context, backup, hasRoom);
  const measure = async (): Promise<void> => {
    const { stdout } = await shell.run(['du', '-sb', '--', paths.building]);
    progress(Math.min(Number(stdout.split('\t')[0]) || 0, backup.databaseBytes), backup.databaseBytes);
  };
  const timer = setInterval(() => void measure().catch(() => undefined), PROGRESS_MS);
  try {
    const words = backrestWords(work, 'restore', [
      `--pg1-path=${paths.building}`, `--set=${backup.label}`, '--type=none', '--job-retry=0', `--process-max=${filesAtOnce}`,
    ]);
    const result = await gate.run(asAccountLine(context, ...words));
    if (result.code !== 0) throw backrestFailure(`restoring ${backup.label} from ${work.site.id}`, result);
  } finally {
    clearInterval(timer);
  }
  progress(backup.databaseBytes, backup.databaseBytes);
}

/** What PostgreSQL's recovery says of WAL or control data that cannot be read. */
const SAYS_DAMAGED = new RegExp([
  'could not locate a valid checkpoint record', 'WAL ends before (?:end of online backup|consistent recovery point)',
  'invalid page in block', 'control file contains invalid',
].join('|'));

function restoreFailure(error: unknown, log: string, backup: StoredBackup): EngineError {
  if (log.includes('recovery ended before configured recovery target')) {
    return new EngineError('permanent', 'no commit that late is in the archive', 'choose an earlier time, or the latest state', {
      cause: error,
    });
  }
  if (SAYS_DAMAGED.test(log)) {
    return new DamagedError(`backup ${backup.label} does not become consistent: ${lastLines(log, 2)}`, 'use another site', {
      cause: error,
    });
  }
  if (saysNoRoom(log)) {
    return new EngineError(
      'transient',
      `there is no room left to play the wal after ${backup.label}`,
      'make room on the host, or restore on another',
      { cause: error },
    );
  }
  return new EngineError('transient', `backup ${backup.label} did not come up: ${reasonOf(error)}`, 'try again, or use another site', {
    cause: error,
  });
}

function asAccountLine({ account }: InstanceContext, ...words: readonly string[]): string {
  return command(...asAccount(account), ...words);
}

/** Stops what {@link restoreCluster} started, cleanly, so that its next start has nothing to recover. */
export async function stopCluster(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const postmaster = await findPostmaster(context);
  if (!postmaster) return;
  await gate.must(command('signal_exactly', 'INT', exactName(postmaster.process)), 'stopping');
  await waitUntil(`instance ${context.instance.id} to stop`, signal, async () => ((await findPostmaster(context)) ? undefined : true));
  await gate.run(command('rm', '-rf', '--', socketDirectory(context)));
}

/** A line that runs SQL on a cluster that is cut off, as the control plane. */
export function isolatedSql(context: InstanceContext, port: number, statements: readonly string[]): string {
  return isolatedSqlLine(context.fleet, { socketDirectory: socketDirectory(context), port }, statements);
}
