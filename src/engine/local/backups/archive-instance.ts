import type { ArchiveObservation } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { Effect } from '../../ports.js';
import { command } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { exactName } from '../machine/host-shell.js';
import { archiveSubject, findPostmaster, readPort, type InstanceContext } from '../fleet/instance-context.js';
import { mostWaitingWalMb, WAL_SEGMENT_BYTES } from '../instances/files/instance-settings.js';
import { psqlLine } from '../sql/psql-line.js';
import { waitUntil } from '../../wait-until.js';
import { backrestFailure, isLocked } from './backrest-failure.js';
import { backrestConfiguration, setOptions } from './repositories.js';
import { backrestWords, makeSetDirectory, requireSite, type SiteWork } from './site-work.js';

/** How long one segment may take before PostgreSQL is told that it failed, in seconds. */
const PUSH_TIMEOUT_S = '20';
const POLL_MS = 20;
const SITES_LINE = /^# archives to: (.*)$/m;

/** Makes an instance archive to the sites from its next segment on; the sets are made where they are not there. */
export async function archiveTo(context: InstanceContext, works: readonly SiteWork[], effect: Effect): Promise<void> {
  const { shell, paths, account, instance } = context;
  const { signal } = effect;
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  await shell.fenced(archiveSubject(context), signal, async (gate) => {
    if (!(await shell.exists(paths.made))) {
      throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
    }
    await Promise.all(works.map((work) => makeSet(context, work, signal)));
    const own = backrestDirectory(context, works);
    const directories = ['spool', 'lock', 'log', ...works.map(({ site }) => site.id)].map((name) => `${own}/${name}`);
    await gate.must(
      command('install', '-d', '-m', '0700', ...owner, `${paths.home}/pgbackrest`, own, ...directories),
      'making the directories of the archive',
    );
    const owned = { mode: 0o600, ...(account ? { owner: account } : {}) };
    // Copies of its own of what it reads at any time: they are where its data is.
    const secrets = works.flatMap(({ site }) => Object.entries(site.repository.files).map(([name, content]) =>
      ({ path: `${secretsDirectory(context, works, site.id)}/${name}`, content, ...owned })));
    await gate.install([...secrets, { path: paths.archiveConfiguration, content: archiveConfiguration(context, works), ...owned }]);
    await wake(context, gate);
  });
}

/** One for each choice of sites: a process that hangs at a site holds the lock of that choice, and must not hold up the others. */
const backrestDirectory = ({ paths }: InstanceContext, works: readonly SiteWork[]): string =>
  `${paths.home}/pgbackrest/${works.map(({ site }) => site.id).join('+')}`;

const secretsDirectory = (context: InstanceContext, works: readonly SiteWork[], site: string): string =>
  `${backrestDirectory(context, works)}/${site}`;

/** pgBackRest refuses to archive into a repository that does not know the cluster. Harmless where it does. */
export async function makeSet(context: InstanceContext, work: SiteWork, signal: AbortSignal): Promise<void> {
  const { shell } = context;
  await requireSite(work.fleet, work.site);
  await makeSetDirectory(work, signal);
  const words = backrestWords(work, 'stanza-create', ['--no-online', `--pg1-path=${context.paths.data}`]);
  const result = await shell.run(words, { signal, ...(work.account ? { account: work.account } : {}) });
  // A backup that runs holds the lock. It can only run in a set that is there, and may itself wait for this change of the archive.
  if (result.code !== 0 && !isLocked(result)) throw backrestFailure(`making the set at ${work.site.id}`, result);
}

/** Nothing but the comment where there are no sites: an empty one would be filled with pgBackRest's own default. */
function archiveConfiguration(context: InstanceContext, works: readonly SiteWork[]): string {
  if (works.length === 0) return '';
  const text = backrestConfiguration({
    comment: `archives to: ${works.map(({ site }) => site.id).join(' ')}`,
    repositories: works.map(({ site, set }) =>
      setOptions(site.repository, set.databaseId, set.key, secretsDirectory(context, works, site.id))),
    options: {
      'archive-async': 'y',
      'archive-timeout': PUSH_TIMEOUT_S,
      'io-timeout': PUSH_TIMEOUT_S,
      // The archive command gives up first; this bounds what the asynchronous half has not told it yet.
      'archive-push-queue-max': String(2 * mostWaitingWalMb(context.instance.database.size) * 1_024 * 1_024),
      'spool-path': `${backrestDirectory(context, works)}/spool`,
      'lock-path': `${backrestDirectory(context, works)}/lock`,
      'log-path': `${backrestDirectory(context, works)}/log`,
      'log-level-console': 'off',
      'log-level-stderr': 'warn',
      'log-level-file': 'off',
      'compress-type': 'zst',
      'compress-level': '3',
    },
  });
  return `${text}\n[main]\npg1-path=${context.paths.data}\n`;
}

/** An archiver that failed sleeps for a minute, unless its server reads its settings again. */
async function wake(context: InstanceContext, gate: Gate): Promise<void> {
  const postmaster = await findPostmaster(context);
  if (postmaster) await gate.run(command('signal_exactly', 'HUP', exactName(postmaster.process)));
}

/** The sites that an instance archives to at present. */
export async function archivedSites({ shell, paths }: InstanceContext): Promise<string[]> {
  const text = (await shell.read(paths.archiveConfiguration)) ?? '';
  return (SITES_LINE.exec(text)?.[1] ?? '').split(' ').filter((id) => id !== '');
}

/** What waits to be archived is told by the files through which PostgreSQL itself keeps account of it. */
export async function observeArchive(context: InstanceContext): Promise<ArchiveObservation> {
  const { shell, paths } = context;
  const [waiting, sites, dropped] = await Promise.all([waitingSegments(context), archivedSites(context), shell.read(paths.archiveDropped)]);
  const droppedAt = new Date(dropped?.trim() ?? '');
  const [oldest] = waiting;
  const since = oldest === undefined ? undefined : await shell.modifiedAt(`${archiveStatus(context)}/${oldest}.ready`);
  return {
    pendingFiles: waiting.length,
    pendingBytes: waiting.length * WAL_SEGMENT_BYTES,
    pendingSeconds: since ? Math.max(0, (Date.now() - since.getTime()) / 1_000) : 0,
    sites,
    ...(Number.isNaN(droppedAt.getTime()) ? {} : { droppedAt }),
  };
}

const archiveStatus = ({ paths }: InstanceContext): string => `${paths.data}/pg_wal/archive_status`;

/** Names of the segments that are complete and not archived, the oldest first. */
async function waitingSegments(context: InstanceContext): Promise<string[]> {
  return (await context.shell.list(archiveStatus(context)))
    .filter((name) => name.endsWith('.ready'))
    .map((name) => name.slice(0, -'.ready'.length));
}

/**
 * The commit waits for no standby: it changes nothing, and must not hang with a standby that does. Its record carries the
 * time by which a recovery knows where to end.
 */
const MARK_AND_SWITCH = [
  'SET synchronous_commit = local;',
  'DO $$ BEGIN PERFORM pg_current_xact_id(); END $$;',
  'SELECT pg_walfile_name(pg_switch_wal());',
];

/** Returns once everything written before is at every site in use. */
export async function archiveNow(primary: InstanceContext, effect: Effect): Promise<void> {
  const { instance, fleet, address, serverName, authorityPath, shell } = primary;
  const sites = await archivedSites(primary);
  if (sites.length === 0) throw new EngineError('transient', `instance ${instance.id} archives to no site`, 'make it archive first');
  const segment = await shell.fenced(archiveSubject(primary), effect.signal, async (gate) => {
    const port = await readPort(primary);
    if (port === undefined) throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
    const server = {
      address, serverName, port, authorityPath, password: instance.database.secrets.control, applicationName: 'freehold-archive',
    };
    return (await gate.must(psqlLine(fleet, server, MARK_AND_SWITCH), 'switching wal')).trim();
  });
  await waitUntil(
    `wal up to ${segment} to be at ${sites.join(', ')}`,
    effect.signal,
    async () => ((await waitingSegments(primary)).some((name) => name.slice(0, segment.length) <= segment) ? undefined : true),
    POLL_MS,
  );
}
