import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import { listFrozen, openFrozen } from '../backups/frozen-copies.js';
import { listWithArchive } from '../backups/list-backups.js';
import { openBackupSites } from '../backups/local-backups.js';
import { playSettings, type RecoveryTarget } from '../backups/restore-cluster.js';
import type { LocalSite } from '../backups/repositories.js';
import { backrestWords, joinSites, openSiteWork, runBackrest, type SiteWork } from '../backups/site-work.js';
import type { ConfiguredSite } from '../../../config/backup-sites.js';
import { asEngineError } from '../machine/engine-failure.js';
import { metadataDirectory } from '../fleet/fleet-layout.js';
import type { Account } from '../machine/files.js';
import { LocalFleet, type LocalFleetOptions } from '../fleet/local-fleet.js';
import { chooseMetadataSources, type MetadataAtSite, type MetadataSource } from './choose-metadata-source.js';
import { metadataSet } from './metadata-server.js';
import { metadataHome } from './metadata-settings.js';

export interface RestoreMetadataOptions extends LocalFleetOptions {
  readonly backupSites?: readonly ConfiguredSite[];
  /** Whom the server runs as; undefined where everything runs as the current user. */
  readonly account: Account | undefined;
  /** The state of that moment; the newest that there is if left out. */
  readonly time: Date | undefined;
  /** The only site to restore from; the best one if left out. */
  readonly site: string | undefined;
  readonly signal: AbortSignal;
}

/** What was restored, and what could not be asked. */
export interface RestoredMetadata {
  readonly site: string;
  readonly backup: string;
  readonly backupFinishedAt: string;
  /** Sites that were passed over, each with the reason. */
  readonly passedOver: readonly string[];
}

/**
 * Restores the embedded metadata database from the best of its backups into its place, which has to be free. It is to be
 * started as always: it then plays WAL and becomes a primary of its own before it serves.
 *
 * @throws EngineError `permanent` if there is no backup that could be restored, with what each site said.
 */
export async function restoreLocalMetadata(options: RestoreMetadataOptions): Promise<RestoredMetadata> {
  const fleet = await LocalFleet.open(options);
  const all = await openBackupSites(fleet, options.backupSites);
  if (options.site !== undefined && !all.some(({ id }) => id === options.site)) {
    throw new EngineError('permanent', `there is no backup site "${options.site}"`, 'see the sites');
  }
  const into = metadataDirectory(fleet.root);
  if (await fleet.shell.exists(into)) throw new EngineError('permanent', `there is something in ${into}`, 'move it aside first');
  const passedOver: string[] = [];
  const passOver = (site: string, error: unknown): void => void passedOver.push(`${site}: ${reasonOf(error)}`);
  const works = new Map(
    await Promise.all(
      all.map(async (site) => [site.id, await openSiteWork(fleet, metadataSet(fleet), site, undefined, options.account)] as const),
    ),
  );
  const looked = await Promise.all(
    all.map((site) => look(site, works, options.signal).catch((error: unknown) => passOver(site.id, error))),
  );
  const seen = looked.filter((site) => site !== undefined);
  const wanted = seen.filter(({ site }) => options.site === undefined || options.site === site);
  for (const source of chooseMetadataSources(wanted, options.time)) {
    const others = seen
      .filter(({ site, kind, backups }) => kind === 'live' && site !== source.site && backups.length > 0)
      .map(({ site }) => works.get(site) as SiteWork);
    try {
      await fetchBackup(works.get(source.site) as SiteWork, source, others, into, options);
      // It archives once it is told to again, and gets a new full backup then.
      await fleet.shell.remove(`${metadataHome(fleet.root, fleet.description.id)}/archive.conf`);
      return { site: source.site, backup: source.backup.label, backupFinishedAt: source.backup.finishedAt.toISOString(), passedOver };
    } catch (error) {
      if (options.signal.aborted) throw error;
      passOver(source.site, error);
      await fleet.shell.remove(into);
    }
  }
  const when = options.time ? ` from before ${options.time.toISOString()}` : '';
  const why = passedOver.length > 0 ? ` (${passedOver.join('; ')})` : '';
  throw new EngineError(
    'permanent', `no site has a backup of the metadata${when} that could be restored${why}`, 'bring a site back, or choose another time',
  );
}

async function look(site: LocalSite, works: ReadonlyMap<string, SiteWork>, signal: AbortSignal): Promise<MetadataAtSite> {
  const work = works.get(site.id) as SiteWork;
  if (site.kind === 'frozen') return { site: site.id, kind: site.kind, backups: await listFrozen(work) };
  return { site: site.id, kind: site.kind, ...(await listWithArchive(work, signal)) };
}

/**
 * WAL is read from the other sites too. Which timelines there are already is asked of all of them in this way: what is
 * restored begins one of its own, and no site takes another's history under the same name.
 */
async function fetchBackup(
  stored: SiteWork, source: MetadataSource, others: readonly SiteWork[], into: string, { account, time, signal }: RestoreMetadataOptions,
): Promise<void> {
  const { shell } = stored.fleet;
  const { label } = source.backup;
  const isFrozen = source.kind === 'frozen';
  const work = isFrozen ? (await openFrozen(stored, label)).work : stored;
  const end: RecoveryTarget = isFrozen ? { consistent: true } : { time: time ?? 'latest' };
  await shell.ensureDirectory(into, 0o700, account);
  const words = backrestWords(work, 'restore', [`--pg1-path=${into}`, `--set=${label}`, '--type=none', '--job-retry=0']);
  await asEngineError('restoring the metadata', () => runBackrest(work, words, 'restoring the metadata', signal));
  const configuration = await joinSites(stored, isFrozen ? label : undefined, others);
  await writeRecoverySettings(work, into, playSettings(work, into, end, configuration));
}

/** Makes a restored server play WAL when it is started with its usual words; the supervisor empties the file once the server answers. */
export async function writeRecoverySettings(
  { fleet: { shell }, account }: SiteWork, data: string, settings: readonly string[],
): Promise<void> {
  const owned = { mode: 0o600, ...(account ? { owner: account } : {}) };
  await shell.write({ path: `${data}/postgresql.auto.conf`, content: settings.map(toLine).join(''), ...owned });
  await shell.write({ path: `${data}/recovery.signal`, content: '', ...owned });
}

function toLine(setting: string): string {
  const at = setting.indexOf('=');
  return `${setting.slice(0, at)} = '${setting.slice(at + 1).replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`;
}
