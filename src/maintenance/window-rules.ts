import { DateTime } from 'luxon';

/** A stretch of time, from its start up to its end. */
export interface Stretch {
  readonly startsAt: Date;
  readonly endsAt: Date;
}

const HOUR_MS = 60 * 60_000;
const QUARTER_MS = HOUR_MS / 4;

/** What the service level promises of maintenance (`design.md`, part 1): rare, under an hour, announced, outside business hours. */
export const LONGEST_MS = HOUR_MS;
export const NOTICE_HOURS = 72;
export const MONTHS_BETWEEN = 2;
/** Business hours, Monday to Friday in the region's own time zone. */
export const BUSINESS_HOURS = { from: 8, until: 20 } as const;

const FRIDAY = 5;

/** When a window may begin at the soonest, on the quarter of an hour. */
export const soonestStart = (now: Date): Date => new Date(Math.ceil((now.getTime() + NOTICE_HOURS * HOUR_MS) / QUARTER_MS) * QUARTER_MS);

export const overlap = (one: Stretch, other: Stretch): boolean => one.startsAt < other.endsAt && other.startsAt < one.endsAt;

/** Whether two windows of a region are closer than the promise allows, whichever is first. */
export function areTooClose(one: Date, other: Date, zone: string): boolean {
  const [first, second] = one <= other ? [one, other] : [other, one];
  return monthsLater(first, zone, MONTHS_BETWEEN) > second;
}

export const monthsLater = (time: Date, zone: string, months: number): Date =>
  DateTime.fromJSDate(time, { zone }).plus({ months }).toJSDate();

/** The business hours that a stretch of time touches, the first of them; undefined if it lies outside all. */
export function touchedBusinessHours({ startsAt, endsAt }: Stretch, zone: string): Stretch | undefined {
  // By the calendar and not by 24 hours: a day on which the clocks change is shorter or longer.
  const firstDay = DateTime.fromJSDate(startsAt, { zone }).startOf('day');
  for (let day = firstDay; day.toMillis() < endsAt.getTime(); day = day.plus({ days: 1 })) {
    const hours = { startsAt: atHour(day, BUSINESS_HOURS.from), endsAt: atHour(day, BUSINESS_HOURS.until) };
    if (day.weekday <= FRIDAY && overlap({ startsAt, endsAt }, hours)) return hours;
  }
  return undefined;
}

const atHour = (day: DateTime, hour: number): Date => day.set({ hour }).toJSDate();
