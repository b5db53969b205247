import { EngineError } from '../../errors.js';
import type { Effect } from '../../ports.js';
import { listBackups } from './list-backups.js';
import { backrestWords, runBackrest, type SiteWork } from './site-work.js';

/** Removes a backup from a live site, and the WAL from before the oldest one that is left. */
export async function expireBackup(work: SiteWork, label: string, { signal }: Effect): Promise<void> {
  const backups = await listBackups(work, signal);
  if (!backups.some((backup) => backup.label === label)) return;
  if (backups.length === 1) {
    throw new EngineError('permanent', `backup ${label} is the last one at ${work.site.id}`, 'make another first, or remove the whole set');
  }
  // pgBackRest removes WAL only if it is told how many backups' is kept: all that is left.
  const left = String(backups.length - 1);
  const words = backrestWords(work, 'expire', [`--set=${label}`, `--repo1-retention-full=${left}`, `--repo1-retention-archive=${left}`]);
  await runBackrest(work, words, `expiring ${label}`, signal);
}
