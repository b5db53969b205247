import type { Effect } from '../../ports.js';
import { commandFailure } from '../machine/tool-failure.js';
import { listFrozen, thawBackup } from './frozen-copies.js';
import { backrestWords, requireSite, runBackrest, setDirectory, type SiteWork } from './site-work.js';

/** Removes the database's set from a site; at a frozen one, the copies whose time is over. */
export async function removeSet(work: SiteWork, { signal }: Effect): Promise<void> {
  const { fleet, site, directory } = work;
  await requireSite(fleet, site);
  const files = setDirectory(work);
  if (site.kind === 'frozen') {
    for (const { label, frozenUntil } of await listFrozen(work)) if (frozenUntil <= new Date()) await thawBackup(work, label, signal);
    if ((await listFrozen(work)).length > 0) return;
  }
  if (files === undefined) {
    for (const path of ['backup', 'archive']) {
      await runBackrest(work, [...backrestWords(work, 'repo-rm', ['--recurse']), path], 'removing the set', signal);
    }
  } else {
    const result = await fleet.shell.run(['rm', '-rf', '--', files], { signal });
    if (result.code !== 0) throw commandFailure(`removing the set at ${site.id}`, result);
  }
  await fleet.shell.remove(directory);
}
