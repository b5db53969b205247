import { z } from 'zod';

import type { StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import { backrestWords, requireSite, runBackrest, type SiteWork } from './site-work.js';

/** The key of the annotation that ties the copies of one backup together. */
export const BACKUP_ID_ANNOTATION = 'freehold-backup';

const OK = 0;
const MISSING_PATH = 1;
const NO_BACKUPS = 2;

/** What is used of `pgbackrest info --output=json`, by its own documentation. */
const infoSchema = z.array(z.object({
  status: z.object({ code: z.number(), message: z.string() }),
  backup: z.array(z.object({
    label: z.string(),
    annotation: z.record(z.string(), z.string()).optional(),
    timestamp: z.object({ start: z.number(), stop: z.number() }),
    lsn: z.object({ start: z.string(), stop: z.string() }),
    info: z.object({ size: z.number(), repository: z.object({ size: z.number().optional(), delta: z.number() }) }),
  })).default([]),
  archive: z.array(z.object({ max: z.string().nullish() })).default([]),
}));

/** What a site has of the set, the newest first. */
export async function listBackups(
  work: SiteWork, signal: AbortSignal, words = backrestWords(work, 'info', ['--output=json']),
): Promise<StoredBackup[]> {
  await requireSite(work.fleet, work.site);
  return parseInfo(await runBackrest(work, words, 'listing the backups', signal), work.site.id);
}

/** The same, with the name of the newest segment of WAL that is there. */
export async function listWithArchive(
  work: SiteWork, signal: AbortSignal,
): Promise<{ readonly backups: StoredBackup[]; readonly newestWal: string | undefined }> {
  await requireSite(work.fleet, work.site);
  const text = await runBackrest(work, backrestWords(work, 'info', ['--output=json']), 'listing the backups', signal);
  const [stanza] = infoSchema.parse(JSON.parse(text));
  return { backups: parseInfo(text, work.site.id), newestWal: stanza?.archive.flatMap(({ max }) => max ?? []).sort().at(-1) };
}

/** @throws EngineError `transient` if the answer says that the site could not be read, or what is there is no set of this key. */
export function parseInfo(text: string, site: string): StoredBackup[] {
  const [stanza] = infoSchema.parse(JSON.parse(text));
  if (!stanza) return [];
  if (![OK, MISSING_PATH, NO_BACKUPS].includes(stanza.status.code)) {
    throw new EngineError(
      'transient',
      `the set at ${site} could not be read: ${stanza.status.message}`,
      'see whether the site answers, and whether the key is right',
    );
  }
  return stanza.backup
    .map(({ label, annotation, timestamp, lsn, info }) => ({
      label,
      backupId: annotation?.[BACKUP_ID_ANNOTATION] ?? '',
      startedAt: new Date(timestamp.start * 1_000),
      finishedAt: new Date(timestamp.stop * 1_000),
      databaseBytes: info.size,
      storedBytes: info.repository.size ?? info.repository.delta,
      startLsn: lsn.start,
      stopLsn: lsn.stop,
    }))
    .sort((a, b) => (a.label < b.label ? 1 : -1));
}
