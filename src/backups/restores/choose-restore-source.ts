import type { BackupSite, RestoreTarget } from '../../engine/backups-port.js';

/** A backup that has at least one copy. */
export interface StoredCopies {
  readonly id: string;
  readonly finishedAt: Date;
  readonly sizeBytes: number | null;
  readonly copies: readonly { readonly site: string; readonly label: string; /** As a proof found it. */ readonly damaged?: boolean }[];
}

/** What is to be restored: one backup, or the state at a moment, or all there is. */
export type Wanted = { readonly backupId: string } | { readonly time: Date | 'latest' };

/** Where WAL is archived to, and since when without a hole. */
export interface ArchiveState {
  readonly sites: readonly string[];
  readonly since: Date;
}

/** What the order of sites depends on. */
export interface RestoreFrom {
  readonly archive?: ArchiveState;
  /** Where the database is restored to. */
  readonly region?: string;
}

/** Regions that have a shorter way to Canada than to Europe, where all sites are (`design.md`, part 1). */
const NEAR_CANADA: ReadonlySet<string> = new Set(['americas', 'oceania']);

/** The moments to which a restore is possible. */
export interface RestoreRange {
  readonly from: Date;
  readonly to: Date;
}

/**
 * From when to when a restore is possible: since the oldest backup at a live site was complete.
 *
 * @param end now, or when the database was deleted
 */
export function rangeOf(backups: readonly StoredCopies[], sites: readonly BackupSite[], end: Date): RestoreRange | undefined {
  const live = liveSites(sites);
  const times = backups.filter(({ copies }) => copies.some(({ site }) => live.includes(site)))
    .map(({ finishedAt }) => finishedAt.getTime());
  return times.length > 0 ? { from: new Date(Math.min(...times)), to: end } : undefined;
}

/**
 * Where it can be restored from, the best first: live sites before cold storage, which has no WAL beside its backups. To a
 * moment, from a site that has a backup of before; those first that are archived to without a hole since their newest
 * backup, for a replay that finds no more WAL ends there; of those alike, the nearest.
 */
export function listRestoreTargets(
  wanted: Wanted, backups: readonly StoredCopies[], sites: readonly BackupSite[], from: RestoreFrom = {},
): RestoreTarget[] {
  const { archive, region } = from;
  const live = liveSites(sites, region);
  if ('backupId' in wanted) {
    const copies = backups.find(({ id }) => id === wanted.backupId)?.copies ?? [];
    // A damaged copy comes last and not never: where all copies are damaged, it may be the best there is.
    // A site that WAL is not archived to cannot be used at present, or could not until a moment ago.
    const outOfUse = (site: string): number => (archive && !archive.sites.includes(site) ? live.length : 0);
    const place = ({ site }: { readonly site: string }): number =>
      (live.includes(site) ? live.indexOf(site) + outOfUse(site) : 2 * live.length);
    const inOrder = [...copies].sort((a, b) => Number(a.damaged ?? false) - Number(b.damaged ?? false) || place(a) - place(b));
    return inOrder.map(({ site, label }) => ({ backup: { site, label } }));
  }
  const { time } = wanted;
  const before = backups.filter(({ finishedAt }) => time === 'latest' || finishedAt <= time);
  const rank = (site: string): number => {
    if (!archive?.sites.includes(site)) return 2;
    return before.some(({ finishedAt, copies }) => finishedAt >= archive.since && copies.some((copy) => copy.site === site)) ? 0 : 1;
  };
  return live.filter((site) => before.some(({ copies }) => copies.some((copy) => copy.site === site)))
    .sort((a, b) => rank(a) - rank(b)).map((site) => ({ site, time }));
}

/** Live sites; near a region first, if one is given. */
function liveSites(sites: readonly BackupSite[], region?: string): string[] {
  const isFar = ({ country }: BackupSite): boolean => region !== undefined && (country === 'CA') !== NEAR_CANADA.has(region);
  return sites.filter(({ kind }) => kind === 'live').sort((a, b) => Number(isFar(a)) - Number(isFar(b))).map(({ id }) => id);
}
