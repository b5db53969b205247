import { FAILOVER } from '../databases/operations/failover.operation.js';
import { RECOVER } from '../databases/operations/recover.operation.js';
import { REPROTECT } from '../databases/operations/reprotect.operation.js';
import type { Meaning } from '../operations/traits.js';
import type { Verdict } from './judge-primary.js';

/** What a watcher knows of a database beside what it sees. */
export interface CareFacts {
  readonly verdict: Verdict;
  /** The exclusive operation that runs, if any. */
  readonly change: Meaning | null;
  readonly automationPaused: boolean;
  /** Standbys that are recorded in sync. */
  readonly inSync: readonly string[];
  /** Standbys that are recorded as running, or were fenced: those that should follow. */
  readonly expected: readonly string[];
  /** Standbys whose slot was lost: nothing keeps the WAL that they still need. */
  readonly slotless: readonly string[];
  /** Standbys that the primary sees streaming; undefined if it could not be asked. */
  readonly streaming: readonly string[] | undefined;
  /** How long some expected standby has not been streaming, in milliseconds. */
  readonly unfollowedMs: number;
}

/** The kind of operation to ask for; at most one at a time. */
export type Care =
  | { readonly ask: 'nothing' }
  | { readonly ask: typeof FAILOVER | typeof RECOVER | typeof REPROTECT; readonly reason: string };

const NOTHING: Care = { ask: 'nothing' };

/**
 * How long a standby may be away before writes go on without it: longer than a reconnection takes, shorter than clients
 * would wait.
 */
export const STANDBY_AWAY_MS = 1_500;

/** Decides what a watched database needs. */
export function decideCare(facts: CareFacts): Care {
  const { verdict, inSync } = facts;
  // Nothing has to wait for a change that has not begun.
  const change = facts.change?.hasBegun ? facts.change : null;
  if (facts.automationPaused) return NOTHING;
  const mayEnd = change?.reprotects === true;
  // The change ends the primary on purpose, or is about to bring it back.
  if (change?.primary && !mayEnd) return NOTHING;
  if (verdict.verdict === 'lost') {
    if (inSync.length > 0) return { ask: FAILOVER, reason: verdict.reason };
    // Nobody may be promoted: the primary is the only copy that has everything, and comes back in place (protocol rule 13).
    return change && !mayEnd ? NOTHING : { ask: RECOVER, reason: verdict.reason };
  }
  if (verdict.verdict === 'alone') return change && !mayEnd ? NOTHING : { ask: RECOVER, reason: verdict.reason };
  if (verdict.verdict !== 'well') return NOTHING;
  if (change) return mayEnd && change.rebuilds ? careMeanwhile(facts, change) : NOTHING;
  return careForStandbys(facts);
}

/**
 * While an operation brings redundancy back, another standby may fail: one that commits wait for, or one that the operation
 * waits for. The operation does not see that; a new reprotection does, because it begins by looking.
 */
function careMeanwhile({ inSync, expected, streaming, unfollowedMs }: CareFacts, { awaitsStandbys }: Meaning): Care {
  if (!streaming || unfollowedMs < STANDBY_AWAY_MS) return NOTHING;
  const needed = awaitsStandbys ? expected : inSync;
  const away = needed.filter((id) => !streaming.includes(id));
  return away.length > 0 ? { ask: REPROTECT, reason: `not streaming any more: ${away.join(', ')}` } : NOTHING;
}

function careForStandbys({ inSync, expected, streaming, slotless, unfollowedMs }: CareFacts): Care {
  if (!streaming) return NOTHING;
  const away = expected.filter((id) => !streaming.includes(id));
  if (away.length > 0) {
    return unfollowedMs >= STANDBY_AWAY_MS ? { ask: REPROTECT, reason: `not streaming: ${away.join(', ')}` } : NOTHING;
  }
  const unrecorded = expected.filter((id) => !inSync.includes(id));
  if (unrecorded.length > 0) return { ask: REPROTECT, reason: `streaming, but not recorded in sync: ${unrecorded.join(', ')}` };
  const unkept = expected.filter((id) => slotless.includes(id));
  return unkept.length > 0 ? { ask: REPROTECT, reason: `streaming through a slot that was lost: ${unkept.join(', ')}` } : NOTHING;
}
