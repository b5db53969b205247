/** When the time was looked at last, and when it was last found to be doubtful; null while it is not. */
export interface ClockReading {
  readonly lookedAt: Date;
  readonly doubtedAt: Date | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The time is looked at every few seconds: more between two looks is a jump, or that nobody was there to look. */
const MOST_FORWARD_MS = HOUR_MS;
const MOST_BACK_MS = MINUTE_MS;
/** How long a clock has to go on steadily until it is believed again: enough for people to see an alert and set it right. */
const BELIEVED_AFTER_MS = 24 * HOUR_MS;

/**
 * Judges a clock by what it showed when it was last looked at. What cannot be undone is not done while it is in doubt: one
 * that is a year ahead would let every database that was deleted this week be destroyed at once.
 */
export function judgeClock(last: ClockReading | undefined, now: Date): ClockReading {
  if (!last) return { lookedAt: now, doubtedAt: null };
  const passedMs = now.getTime() - last.lookedAt.getTime();
  if (passedMs > MOST_FORWARD_MS || passedMs < -MOST_BACK_MS) return { lookedAt: now, doubtedAt: now };
  const isOver = last.doubtedAt !== null && now.getTime() - last.doubtedAt.getTime() >= BELIEVED_AFTER_MS;
  return { lookedAt: now, doubtedAt: isOver ? null : last.doubtedAt };
}
