import type { Effect } from '../../ports.js';
import { command } from '../host-shell/gate-script.js';
import { STANZA } from '../instances/archive-command.js';
import { archiveSubject, type InstanceContext } from '../instances/instance-context.js';
import { within } from '../wait-until.js';
import { listRepository, requireSite, type SiteWork } from './site-work.js';

/** Clients wait for the promotion meanwhile: a site that takes longer is not asked further. */
const ASK_WITHIN_MS = 2_000;
const TAKE_LOCK_WITHIN_MS = 200;
/** More segments than fit on a command line are marked in several. */
const MARKED_AT_ONCE = 500;

/** Segments that are complete, and the histories of timelines. */
const ARCHIVED_NAME = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)\.done$/;

/**
 * Marks what the standby holds and a site lacks as yet to be archived, so that it is once the standby is a primary.
 *
 * A standby marks what it streamed as done, though its primary may have died before it was archived. What it still holds
 * is bounded by its `wal_keep_size`. To send a segment twice does no harm. It waits for nobody: clients wait.
 */
export async function adoptArchive(standby: InstanceContext, works: readonly SiteWork[], effect: Effect): Promise<number> {
  const { shell, paths } = standby;
  const status = `${paths.data}/pg_wal/archive_status`;
  const held = (await shell.list(status)).flatMap((name) => ARCHIVED_NAME.exec(name)?.[1] ?? []);
  if (held.length === 0 || works.length === 0) return 0;
  const patience = within(effect.signal, ASK_WITHIN_MS);
  const answers = await Promise.allSettled(works.map((work) => storedNames(work, held, patience)));
  const stored = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  // Where nobody can say what is missing, all of it may be.
  const missing = held.filter((name) => stored.length === 0 || stored.some((names) => !names.has(name)));
  await shell.fenced(archiveSubject(standby), effect.signal, async (gate) => {
    for (let first = 0; first < missing.length; first += MARKED_AT_ONCE) {
      // One that recovery has removed meanwhile is not there any more.
      const moves = missing.slice(first, first + MARKED_AT_ONCE).map((name) => `{ [ ! -e ${name}.done ] || mv -T -- ${name}.done ${name}.ready; }`);
      await gate.must(`${command('cd', status)} && ${moves.join(' && ')}`, 'marking wal to be archived');
    }
  }, TAKE_LOCK_WITHIN_MS);
  return missing.length;
}

/** Which of the names a site has; only the directories in which they would be are looked at. */
async function storedNames(work: SiteWork, names: readonly string[], signal: AbortSignal): Promise<Set<string>> {
  await requireSite(work.fleet, work.site);
  const root = `archive/${STANZA}`;
  const clusters = (await listRepository(work, root, signal)).filter((name) => /^\d+-\d+$/.test(name));
  const folders = [...new Set(names.map((name) => (name.length === 24 ? `/${name.slice(0, 16)}` : '')))];
  const found = await Promise.all(clusters.flatMap((cluster) => folders.map((folder) => listRepository(work, `${root}/${cluster}${folder}`, signal))));
  return new Set(found.flat().map((name) => (name.endsWith('.history') ? name : name.slice(0, 24))));
}
