/** What a trial of a site writes there and reads again, in bytes. */
export const TRIAL_BYTES = 1_048_576;

/** What is known of how fast a site is. */
export interface SiteSpeed {
  readonly id: string;
  /** Why it is left out as too slow; null if it is not. */
  readonly slow: string | null;
  readonly triedAt: Date | null;
}

/** How long a site took for a trial. */
export interface SiteTrial {
  readonly id: string;
  readonly tookMs: number;
}

/** WAL is archived within seconds of its segment's end; what waits so long waits for somebody. */
const WAITS_S = 30;
const SECOND_MS = 1_000;
/** A site that takes longer would be behind a database that writes half a MiB of WAL a second. */
const SLOW_MS = 2 * SECOND_MS;
/** A site that was left out has to be this fast to be used again, so that it does not come and go. */
const FAST_AGAIN_MS = SECOND_MS;
/** Where all are slow it is not the sites. */
const TIMES_THE_FASTEST = 4;
const AGAIN_WHILE_WAITING_MS = 60 * SECOND_MS;
const AGAIN_WHILE_SLOW_MS = 600 * SECOND_MS;

/**
 * Whether the sites are to be tried: while WAL waits, since pgBackRest takes a segment to all of them before the next, so
 * that one that is slow holds the others up; and from time to time while one is left out.
 */
export function isTrialDue(sites: readonly SiteSpeed[], waitingSeconds: number, now: Date): boolean {
  const everyMs = waitingSeconds >= WAITS_S ? AGAIN_WHILE_WAITING_MS : AGAIN_WHILE_SLOW_MS;
  const candidates = waitingSeconds >= WAITS_S ? sites : sites.filter(({ slow }) => slow !== null);
  // A clock that went back must not put it off for a year.
  return candidates.length > 0
    && candidates.every(({ triedAt }) => triedAt === null || Math.abs(now.getTime() - triedAt.getTime()) >= everyMs);
}

/** Judges a trial: which of those that took part is to be left out, with the reason. Never all. */
export function judgeTrials(trials: readonly SiteTrial[], known: readonly SiteSpeed[]): SiteVerdict[] {
  const fastestMs = Math.min(...trials.map(({ tookMs }) => tookMs));
  return trials.map(({ id, tookMs }) => {
    const wasSlow = known.some((site) => site.id === id && site.slow !== null);
    const isSlow = tookMs > (wasSlow ? FAST_AGAIN_MS : SLOW_MS) && tookMs > fastestMs * TIMES_THE_FASTEST;
    return { id, slow: isSlow ? `it is slow: a MiB takes ${seconds(tookMs)} s there, and ${seconds(fastestMs)} s elsewhere` : null };
  });
}

export type SiteVerdict = Pick<SiteSpeed, 'id' | 'slow'>;

const seconds = (ms: number): string => (ms / SECOND_MS).toFixed(1);
