import {
  areTooClose, LONGEST_MS, MONTHS_BETWEEN, monthsLater, NOTICE_HOURS, overlap, soonestStart, type Stretch, touchedBusinessHours,
} from './window-rules.js';

/** A maintenance window as an operator asks for it. */
export interface AskedWindow extends Stretch {
  /** Why it is needed at that time; null if nothing was said. */
  readonly reason: string | null;
  /** It cannot wait for a time that the promises allow. */
  readonly urgent: boolean;
}

export interface WindowFacts {
  /** Of the region, such as `Europe/Berlin`. */
  readonly zone: string;
  readonly now: Date;
  /** The region's other windows, those of its hosts too, without what was cancelled. */
  readonly others: readonly Stretch[];
}

export interface WindowFault {
  readonly field: 'startsAt' | 'endsAt' | 'reason';
  readonly message: string;
}

/** Further ahead nobody plans, and a slip of the pen is likely. */
const FURTHEST_DAYS = 366;
const DAY_MS = 24 * 60 * 60_000;
/** A clock that differs a little, and the time that a request takes. */
const NOW_SLACK_MS = 60_000;

/**
 * What keeps a window from being planned, everything at once; empty if it may be.
 *
 * A reason allows a second window within two months. An urgent one needs a reason, and may come at any time from now on; it is not
 * longer than others, and overlaps none.
 */
export function judgeWindow(asked: AskedWindow, { zone, now, others }: WindowFacts): WindowFault[] {
  const { startsAt, endsAt, reason, urgent } = asked;
  const lengthMs = endsAt.getTime() - startsAt.getTime();
  const aheadMs = startsAt.getTime() - now.getTime();
  const faults: WindowFault[] = [];
  const fault = (field: WindowFault['field'], message: string): unknown => faults.push({ field, message });
  if (lengthMs <= 0) fault('endsAt', 'must be after startsAt');
  else if (lengthMs > LONGEST_MS) fault('endsAt', 'must be within an hour of startsAt');
  if (urgent && reason === null) fault('reason', 'must say why, for an urgent window');
  if (aheadMs < -NOW_SLACK_MS) fault('startsAt', 'is over');
  else if (aheadMs > FURTHEST_DAYS * DAY_MS) fault('startsAt', `must be within ${FURTHEST_DAYS} days`);
  // What is over or endless has no place in a calendar.
  if (faults.some(({ field }) => field !== 'reason')) return faults;
  if (!urgent && aheadMs < NOTICE_HOURS * 60 * 60_000) fault('startsAt', `must be at least ${NOTICE_HOURS} hours ahead`);
  if (!urgent && touchedBusinessHours(asked, zone)) fault('startsAt', `must be outside 08:00-20:00, Monday to Friday, in ${zone}`);
  const met = others.find((other) => overlap(asked, other));
  if (met) fault('startsAt', `overlaps the window that begins at ${met.startsAt.toISOString()}`);
  const close = reason === null && !met ? others.find((other) => areTooClose(asked.startsAt, other.startsAt, zone)) : undefined;
  if (close) {
    const message = `is within ${MONTHS_BETWEEN} months of the window at ${close.startsAt.toISOString()}: give a reason, or another time`;
    fault('startsAt', message);
  }
  return faults;
}

/** Two years of jumps from one obstacle to the next, each day of business being one. */
const MOST_JUMPS = 2 * 366;

/** When a window so long would be allowed without being urgent: the last time before the one asked for, and the first after it. */
export function nearestAllowed(asked: AskedWindow, facts: WindowFacts): Stretch[] {
  const lengthMs = Math.min(LONGEST_MS, Math.max(60_000, asked.endsAt.getTime() - asked.startsAt.getTime()));
  const soonest = soonestStart(facts.now);
  const furthestMs = facts.now.getTime() + FURTHEST_DAYS * DAY_MS;
  const from = new Date(Math.min(Math.max(asked.startsAt.getTime(), soonest.getTime()), furthestMs));
  const search = (next: (window: Stretch) => Date | undefined): Stretch | undefined => {
    let window = stretch(from, lengthMs);
    for (let jumps = 0; jumps < MOST_JUMPS; jumps += 1) {
      const start = next(window);
      if (!start) return window;
      window = stretch(start, lengthMs);
    }
    return undefined;
  };
  const hasReason = asked.reason !== null;
  const earlier = search((window) => whatIsBefore(window, lengthMs, hasReason, facts));
  const later = search((window) => whatIsAfter(window, hasReason, facts));
  return [
    ...(earlier && earlier.startsAt >= soonest && earlier.startsAt < from ? [earlier] : []),
    ...(later ? [later] : []),
  ];
}

const stretch = (startsAt: Date, lengthMs: number): Stretch => ({ startsAt, endsAt: new Date(startsAt.getTime() + lengthMs) });

/** Where a window could begin after the first thing in its way; undefined if there is none. */
function whatIsAfter(window: Stretch, hasReason: boolean, { zone, others }: WindowFacts): Date | undefined {
  const hours = touchedBusinessHours(window, zone);
  if (hours) return hours.endsAt;
  const met = others.find((other) => overlap(window, other));
  if (met) return met.endsAt;
  const close = hasReason ? undefined : others.find(({ startsAt }) => areTooClose(window.startsAt, startsAt, zone));
  return close && monthsLater(close.startsAt, zone, MONTHS_BETWEEN);
}

/** The same for one before it. */
function whatIsBefore(window: Stretch, lengthMs: number, hasReason: boolean, { zone, others }: WindowFacts): Date | undefined {
  const endingAt = (time: Date): Date => new Date(time.getTime() - lengthMs);
  const hours = touchedBusinessHours(window, zone);
  if (hours) return endingAt(hours.startsAt);
  const met = others.find((other) => overlap(window, other));
  if (met) return endingAt(met.startsAt);
  const close = hasReason ? undefined : others.find(({ startsAt }) => areTooClose(window.startsAt, startsAt, zone));
  return close && monthsLater(close.startsAt, zone, -MONTHS_BETWEEN);
}
