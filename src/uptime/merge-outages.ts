import type { OutageCause, OutageSource } from './outage.js';

/** What one source tells of an outage of a database, or what several have told of it. */
export interface Evidence {
  readonly startMs: number;
  /** The latest moment at which it was certainly down. */
  readonly lastDownMs: number;
  /** The first moment after that at which it was seen up; null while it is down, or nobody has looked. */
  readonly endMs: number | null;
  readonly cause: OutageCause;
  readonly planned: boolean;
  readonly sources: readonly OutageSource[];
  /** The operation that interrupted it, or that ended the outage. */
  readonly operationId: string | null;
  /** For people, in a few words. */
  readonly reason: string;
}

/** Two outages so close together are one: no client has got anything done in between. */
const JOIN_MS = 1_000;
/** How long something seen stays known; after it nobody knows, and that is a gap. */
export const KNOWN_FOR_MS = 10_000;

/** Until when an outage can be said to last: one that nobody has seen the end of ends with what is known of it. */
const knownUntil = ({ endMs, lastDownMs }: Evidence): number => endMs ?? lastDownMs + KNOWN_FOR_MS;

/** What only the customer's own use of the database can cause, such as exhausted connections. */
const isOwnDoing = ({ cause, operationId }: Evidence): boolean => cause === 'customer' && operationId === null;

/** Whether two tell of the same outage. While a customer's own doing goes on another one may begin. */
export const isSame = (one: Evidence, other: Evidence): boolean =>
  isOwnDoing(one) === isOwnDoing(other) && one.startMs <= knownUntil(other) + JOIN_MS && other.startMs <= knownUntil(one) + JOIN_MS;

/**
 * Makes one outage of two that are the same: it begins with the earliest sign, and ends when it was first seen up after the
 * last moment at which it was certainly down. Its cause is that of what began it; one that turns out to have hit everything in
 * the data centre is that of the data centre.
 */
export function mergeTwo(one: Evidence, other: Evidence): Evidence {
  const [first, second] = comesBefore(one, other) ? [one, other] : [other, one];
  const lastDownMs = Math.max(one.lastDownMs, other.lastDownMs);
  const ends = [one.endMs, other.endMs].filter((endMs) => endMs !== null && endMs >= lastDownMs) as number[];
  const isWide = first.cause === 'host' && second.cause === 'data-center';
  return {
    startMs: first.startMs, lastDownMs, endMs: ends.length > 0 ? Math.min(...ends) : null,
    cause: isWide ? second.cause : first.cause, planned: first.planned, reason: isWide ? second.reason : first.reason,
    sources: [...new Set([...one.sources, ...other.sources])].sort(), operationId: first.operationId ?? second.operationId,
  };
}

/** By what began earlier; at the same moment an operation says more of the cause than who only saw it. */
function comesBefore(one: Evidence, other: Evidence): boolean {
  if (one.startMs !== other.startMs) return one.startMs < other.startMs;
  if ((one.operationId === null) !== (other.operationId === null)) return one.operationId !== null;
  return `${one.cause} ${one.reason}` <= `${other.cause} ${other.reason}`;
}

/** Merges what was found with those of the known outages that are the same. */
export function mergeEvidence<Known extends Evidence>(
  known: readonly Known[], found: Evidence,
): { readonly merged: Evidence; readonly absorbed: readonly Known[] } {
  const absorbed: Known[] = [];
  let merged = found;
  let left = [...known].sort((one, other) => one.startMs - other.startMs);
  for (;;) {
    const same = left.find((one) => isSame(one, merged));
    if (!same) return { merged, absorbed };
    merged = mergeTwo(merged, same);
    absorbed.push(same);
    left = left.filter((one) => one !== same);
  }
}
