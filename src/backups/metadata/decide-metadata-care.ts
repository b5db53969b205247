import { latestBackupTime } from '../sets/choose-backup-time.js';
import { chooseKeptBackups } from '../sets/choose-kept-backups.js';

export interface MetadataBackup {
  readonly label: string;
  readonly startedAt: Date;
  /** At a frozen site: until when it cannot be removed. */
  readonly frozenUntil?: Date;
}

/** What a site has of the metadata's backups. */
export interface MetadataSite {
  readonly id: string;
  readonly kind: 'live' | 'frozen';
  /** The newest first. */
  readonly backups: readonly MetadataBackup[];
}

export interface MetadataFacts {
  /** How the metadata server archives: where to, since when, and when WAL was last given up; and when a backup was last proved. */
  readonly archive: {
    readonly sites: readonly string[];
    readonly since: Date;
    readonly droppedAt?: Date | undefined;
    readonly provedAt?: Date | undefined;
  };
  /** The sites that can be used now. */
  readonly sites: readonly MetadataSite[];
}

export interface MetadataCare {
  /** Where to archive from now on, if that is to change. */
  readonly archiveTo?: readonly string[];
  /** Live sites that need a full backup. */
  readonly backUpAt: readonly string[];
  /** A backup that is to be copied to cold storage. */
  readonly freeze?: { readonly from: { readonly site: string; readonly label: string }; readonly to: string };
  /** A backup that is to be proved. */
  readonly prove?: { readonly site: string; readonly label: string };
  readonly expire: readonly { readonly site: string; readonly label: string }[];
}

/** Backups of the metadata are made at a time of their own, in no region's night. */
const TIME_ZONE = 'UTC';
const NAME = 'metadata';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Decides what the metadata's backups need now. What it goes by is all outside of the metadata: the sites' catalogues, and
 * the file by which the server archives. Whatever that changes, every site gets a full backup: it is small, and a
 * restore need not ask which site lacks what.
 */
export function decideMetadataCare({ archive, sites: found }: MetadataFacts, now: Date): MetadataCare {
  const isPast = (time: Date | undefined): time is Date => time !== undefined && time <= now;
  // What is of times to come, since a clock was ahead, tells nothing of today's needs.
  const sites = found.map((site) => ({ ...site, backups: site.backups.filter(({ startedAt }) => isPast(startedAt)) }));
  const live = sites.filter(({ kind }) => kind === 'live');
  const wanted = live.map(({ id }) => id).sort();
  if (wanted.join() !== [...archive.sites].sort().join()) return { archiveTo: wanted, backUpAt: [], expire: [] };
  const daily = latestBackupTime(NAME, TIME_ZONE, now);
  const due = new Date(Math.max(...[daily, archive.since, archive.droppedAt].filter(isPast).map((time) => time.getTime())));
  const backUpAt = live.filter(({ backups }) => !backups[0] || wholeSeconds(backups[0].startedAt) < wholeSeconds(due)).map(({ id }) => id);
  return {
    backUpAt, ...chooseFrozen(sites, daily), ...chooseProved(live, isPast(archive.provedAt) ? archive.provedAt : undefined, now),
    expire: found.flatMap((site) => chooseExpired(site, now)),
  };
}

/** The catalogues know no more than seconds. */
const wholeSeconds = (time: Date): number => Math.floor(time.getTime() / 1_000);

/** One a day, once it is an hour old; at another site each day, so that the copies at all of them are tried. */
function chooseProved(live: readonly MetadataSite[], provedAt: Date | undefined, now: Date): Pick<MetadataCare, 'prove'> {
  if (provedAt && now.getTime() - provedAt.getTime() < DAY_MS) return {};
  const stored = live.flatMap(({ id, backups: [newest] }) =>
    (newest && now.getTime() - newest.startedAt.getTime() >= HOUR_MS ? [{ site: id, label: newest.label }] : []));
  const chosen = stored[Math.floor(now.getTime() / DAY_MS) % stored.length];
  return chosen ? { prove: chosen } : {};
}

/** The newest backup goes to cold storage, once a day. */
function chooseFrozen(sites: readonly MetadataSite[], daily: Date): Pick<MetadataCare, 'freeze'> {
  const to = sites.find(({ kind, backups }) => kind === 'frozen' && !backups.some(({ startedAt }) => startedAt >= daily));
  const stored = sites.filter(({ kind }) => kind === 'live')
    .flatMap(({ id, backups }) => backups.map(({ label, startedAt }) => ({ site: id, label, startedAt })));
  const [newest] = stored.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  if (!to || !newest || to.backups.some(({ label }) => label === newest.label)) return {};
  return { freeze: { from: { site: newest.site, label: newest.label }, to: to.id } };
}

/** The last backup of a site stays, whatever its age. */
function chooseExpired({ id, backups }: MetadataSite, now: Date): { site: string; label: string }[] {
  const { expire } = chooseKeptBackups(backups.map(({ label, startedAt }) => ({ id: label, startedAt, proved: false })), now);
  return expire
    .filter((label) => label !== backups[0]?.label && (backups.find((backup) => backup.label === label)?.frozenUntil ?? now) <= now)
    .map((label) => ({ site: id, label }));
}
