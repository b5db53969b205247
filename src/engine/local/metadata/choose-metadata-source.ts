import type { StoredBackup } from '../../backups-port.js';

/** What a site that answers has of the metadata. */
export interface MetadataAtSite {
  readonly site: string;
  readonly kind: 'live' | 'frozen';
  readonly backups: readonly StoredBackup[];
  /** The newest WAL segment; its name begins with its timeline, so that names sort as they were written. */
  readonly newestWal?: string | undefined;
}

export interface MetadataSource {
  readonly site: string;
  readonly kind: 'live' | 'frozen';
  readonly backup: StoredBackup;
}

/** The catalogues know no more than seconds, and a recovery may not end before its backup does. */
const CATALOGUE_MS = 1_000;

/**
 * Where to restore the metadata from, the best first: the live site that has the newest WAL, then the others, then a frozen
 * copy, which ends with itself. With a time, the newest backup that was complete by then.
 */
export function chooseMetadataSources(sites: readonly MetadataAtSite[], time: Date | undefined): MetadataSource[] {
  const found = sites.flatMap(({ site, kind, backups, newestWal = '' }) => {
    const [backup] = backups
      .filter(({ finishedAt }) => time === undefined || finishedAt.getTime() + CATALOGUE_MS <= time.getTime())
      .sort((a, b) => b.finishedAt.getTime() - a.finishedAt.getTime());
    return backup ? [{ site, kind, backup, newestWal }] : [];
  });
  const rank = ({ kind }: { readonly kind: MetadataSource['kind'] }): number => (kind === 'live' ? 0 : 1);
  found.sort(
    (a, b) => rank(a) - rank(b) || compare(b.newestWal, a.newestWal) || b.backup.finishedAt.getTime() - a.backup.finishedAt.getTime(),
  );
  return found.map(({ site, kind, backup }) => ({ site, kind, backup }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
