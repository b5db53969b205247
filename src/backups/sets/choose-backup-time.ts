import { createHash } from 'node:crypto';

/** Backups are made between midnight and six in the morning where the database lives. */
const NIGHT_HOURS = 6;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A number from 0 to 1 that is always the same for a text, and spread evenly over texts. */
export function spread(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

/**
 * The latest time, not after now, at which a database's daily backup was due: its own minute of the region's night, so
 * that a region's backups do not all start at once.
 *
 * @param timeZone an IANA name
 */
export function latestBackupTime(databaseId: string, timeZone: string, now: Date): Date {
  const offsetMs = spread(databaseId) * NIGHT_HOURS * HOUR_MS;
  const sinceMidnightMs = localTimeMs(timeZone, now);
  const today = now.getTime() - sinceMidnightMs + offsetMs;
  return new Date(today <= now.getTime() ? today : today - DAY_MS);
}

/** The time of day somewhere, in milliseconds since midnight. */
function localTimeMs(timeZone: string, now: Date): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone, hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23',
  }).formatToParts(now);
  const value = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return ((value('hour') * 60 + value('minute')) * 60 + value('second')) * 1_000 + (now.getTime() % 1_000);
}
