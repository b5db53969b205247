import type { SeenInstance } from '../databases/database-sight.js';
import type { InstanceGlimpse, Sight } from '../engine/ports.js';

/** What is known of an instance: `unknown` if nobody has looked at it, or not lately, or not in a way that tells anything. */
export type KnownSight = Sight | 'unknown';

/** A watcher that is late by so much in a look of half a second has not given the instance its time to answer. */
const LATE_MS = 150;
/** Silence for so long is the instance's own, however late its watcher is: each look also reads what came meanwhile. */
const BEYOND_EXCUSE_MS = 10_000;

/** A look at an instance, and how late its watcher was meanwhile. */
export interface Look {
  readonly glimpse: InstanceGlimpse;
  readonly lateMs: number;
  /** When it ended. */
  readonly atMs: number;
}

/** What a watcher remembers of an instance. */
export interface Sighting {
  /** The newest look that tells something; null before the first one. */
  readonly look: Look | null;
  /** Looks in a row that were not answered although they were given their time. */
  readonly misses: number;
  /** When it began to be silent, whosever fault it is. */
  readonly silentSinceMs: number | null;
  /** For people. It changes only with what is certain, so that one missed look does not. */
  readonly seen: SeenInstance;
}

export const NOT_LOOKED_AT: Sighting = { look: null, misses: 0, silentSinceMs: null, seen: 'unknown' };

/**
 * Takes a look into account. Only silence can be the watcher's own fault: an answer that came is an answer, but one that
 * did not come to a watcher that was late says nothing of the instance.
 */
export function takeLook(before: Sighting, look: Look, missesToSuspect: number): Sighting {
  const { sight } = look.glimpse;
  if (sight !== 'silent') return { look, misses: 0, silentSinceMs: null, seen: sight };
  const silentSinceMs = before.silentSinceMs ?? look.atMs;
  if (look.lateMs >= LATE_MS && look.atMs - silentSinceMs < BEYOND_EXCUSE_MS) return { ...before, look: null, silentSinceMs };
  const misses = before.misses + 1;
  return { look, misses, silentSinceMs, seen: misses >= missesToSuspect ? 'silent' : before.seen };
}

/** What is known at that moment; what was seen longer ago than the limit is not known any more. */
export function whatIsKnown(
  { look }: Sighting, nowMs: number, limitMs: number,
): { readonly sight: KnownSight; readonly glimpse: InstanceGlimpse | undefined } {
  if (look === null || nowMs - look.atMs > limitMs) return { sight: 'unknown', glimpse: undefined };
  return { sight: look.glimpse.sight, glimpse: look.glimpse };
}
