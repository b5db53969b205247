import type { StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { Effect } from '../../ports.js';
import { readPort, type InstanceContext } from '../fleet/instance-context.js';
import { CONTROL_USER } from '../sql/cluster-sql.js';
import { checkpoint } from '../instances/verbs/stop-marked.js';
import { toolEnvironment } from '../sql/client-tools.js';
import { archivedSites } from './archive-instance.js';
import { BACKUP_ID_ANNOTATION, listBackups } from './list-backups.js';
import { backrestWords, requireSite, runBackrest, type SiteWork } from './site-work.js';
import { whileRoom } from './while-room.js';

/** How long the WAL that a backup needs may take to reach the site, in seconds. */
const ARCHIVE_TIMEOUT_S = 60;

/** What every backup is made with. */
export const backupOptions = (backupId: string): string[] => [
  '--type=full',
  '--start-fast',
  '--archive-copy',
  `--archive-timeout=${ARCHIVE_TIMEOUT_S}`,
  `--annotation=${BACKUP_ID_ANNOTATION}=${backupId}`,
];

/**
 * Makes a full backup at a site, with the WAL that makes it consistent in it, so that it needs nothing else there.
 *
 * A backup that was made under this id is found by its annotation. The files of one that was killed are used again by the next.
 */
export async function backUp(
  work: SiteWork, primary: InstanceContext, standby: InstanceContext | undefined, backupId: string, effect: Effect,
): Promise<StoredBackup> {
  const { signal } = effect;
  await requireSite(work.fleet, work.site);
  const known = await find(work, backupId, signal);
  if (known) return known;
  if (!(await archivedSites(primary)).includes(work.site.id)) {
    throw new EngineError(
      'transient', `the primary ${primary.instance.id} does not archive to ${work.site.id}`, 'make it archive there first',
    );
  }
  // A new primary's control data is of its old timeline until its first checkpoint, and pgBackRest goes by it.
  await checkpoint(primary, signal);
  if (!standby || !(await runsFrom(work, primary, standby, backupId, effect))) await run(work, [primary], backupId, signal);
  const made = await find(work, backupId, signal);
  if (!made) {
    throw new EngineError(
      'outcome-unknown', `backup ${backupId} is not at ${work.site.id} though it was made`, 'list the backups, then try again',
    );
  }
  return made;
}

async function find(work: SiteWork, backupId: string, signal: AbortSignal): Promise<StoredBackup | undefined> {
  return (await listBackups(work, signal)).find((backup) => backup.backupId === backupId);
}

/** Whether the backup could be taken from the standby; if not, the primary has to give it. */
async function runsFrom(
  work: SiteWork, primary: InstanceContext, standby: InstanceContext, backupId: string, { signal, trace }: Effect,
): Promise<boolean> {
  if ((await readPort(standby)) === undefined) return false;
  try {
    await run(work, [primary, standby], backupId, signal);
    return true;
  } catch (error) {
    if (signal.aborted || !(error instanceof EngineError) || error.message.includes('another one is at work')) throw error;
    work.fleet.log.warn({ ...trace, instanceId: standby.instance.id }, `the backup is taken from the primary: ${error.message}`);
    return false;
  }
}

async function run(work: SiteWork, servers: readonly InstanceContext[], backupId: string, signal: AbortSignal): Promise<void> {
  const ports = await Promise.all(servers.map(readPort));
  const [first] = servers;
  if (!first) return;
  const words = backrestWords(work, 'backup', [
    ...backupOptions(backupId),
    ...(servers.length > 1 ? ['--backup-standby'] : []),
    ...servers.flatMap(({ paths }, index) => {
      const pg = `--pg${index + 1}`;
      return [`${pg}-path=${paths.data}`, `${pg}-port=${ports[index] ?? 0}`, `${pg}-user=${CONTROL_USER}`, `${pg}-database=postgres`];
    }),
  ]);
  const environment = toolEnvironment({
    // pgBackRest knows no host of a server but by SSH; its libpq takes each port to the first of these that listens there.
    host: [...new Set(servers.map(({ address }) => address))].join(','),
    // Each one's own where they differ.
    ...(first.serverName !== first.address && { serverName: first.serverName }),
    user: CONTROL_USER,
    database: 'postgres',
    password: first.instance.database.secrets.control,
    authorityPath: first.authorityPath,
    applicationName: 'freehold-backup',
    superuser: true,
  });
  await runWithRoom(work, words, 'the backup', signal, environment);
}

/**
 * Makes a backup for as long as there is room for it at the site. What was stored until then stays, for the next: with its room
 * the site would be well again, and be filled again at once.
 */
export async function runWithRoom(
  work: SiteWork, words: readonly string[], what: string, signal: AbortSignal, environment: Readonly<Record<string, string>>,
): Promise<void> {
  await whileRoom(work, signal, (limit) => runBackrest(work, words, what, limit, environment));
}
