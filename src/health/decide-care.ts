import { AFTER_ROUTE } from '../databases/derive-state.js';
import { givesWay, isBeforePause } from '../databases/operations/is-reprotecting.js';
import type { Verdict } from './judge-primary.js';

/** What a watcher knows of a database beside what it sees. */
export interface CareFacts {
  readonly verdict: Verdict;
  /** The exclusive operation that runs, if any. */
  readonly change: { readonly kind: string; readonly step: string } | null;
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

/** What to ask for; at most one thing at a time. */
export type Care =
  | { readonly ask: 'nothing' }
  | { readonly ask: 'failover' | 'recover' | 'reprotect'; readonly reason: string };

const NOTHING: Care = { ask: 'nothing' };

/**
 * How long a standby may be away before writes go on without it: longer than a reconnection takes, shorter than clients
 * would wait.
 */
export const STANDBY_AWAY_MS = 1_500;

/** Operations that take the primary away on purpose, or are about to bring it back. */
const DELIBERATE: ReadonlySet<string> = new Set(['failover', 'switchover', 'delete', 'provision', 'recover', 'restore', 'restore-in-place']);

/** Decides what a watched database needs. */
export function decideCare(facts: CareFacts): Care {
  const { verdict, inSync } = facts;
  // A switchover that only waits for a quiet moment is nothing that anything else has to wait for.
  const change = facts.change && isBeforePause(facts.change.kind, facts.change.step) ? null : facts.change;
  if (facts.automationPaused) return NOTHING;
  const mayEnd = change !== null && givesWay(change.kind, change.step);
  if (change && DELIBERATE.has(change.kind) && !mayEnd) return NOTHING;
  if (verdict.verdict === 'lost') {
    if (inSync.length > 0) return { ask: 'failover', reason: verdict.reason };
    // Nobody may be promoted: the primary is the only copy that has everything, and comes back in place (protocol rule 13).
    return change && !mayEnd ? NOTHING : { ask: 'recover', reason: verdict.reason };
  }
  if (verdict.verdict === 'alone') return change && !mayEnd ? NOTHING : { ask: 'recover', reason: verdict.reason };
  if (verdict.verdict !== 'well') return NOTHING;
  if (change) return mayEnd && AFTER_ROUTE.has(change.step) ? careMeanwhile(facts, change.step) : NOTHING;
  return careForStandbys(facts);
}

/**
 * While redundancy is being brought back one more standby may go: one that commits wait for, or one that the operation
 * waits for. The operation does not see it; another one begins by looking.
 */
function careMeanwhile({ inSync, expected, streaming, unfollowedMs }: CareFacts, step: string): Care {
  if (!streaming || unfollowedMs < STANDBY_AWAY_MS) return NOTHING;
  const needed = step === 'synchronize' || step === 'widen' ? expected : inSync;
  const away = needed.filter((id) => !streaming.includes(id));
  return away.length > 0 ? { ask: 'reprotect', reason: `not streaming any more: ${away.join(', ')}` } : NOTHING;
}

function careForStandbys({ inSync, expected, streaming, slotless, unfollowedMs }: CareFacts): Care {
  if (!streaming) return NOTHING;
  const away = expected.filter((id) => !streaming.includes(id));
  if (away.length > 0) {
    return unfollowedMs >= STANDBY_AWAY_MS ? { ask: 'reprotect', reason: `not streaming: ${away.join(', ')}` } : NOTHING;
  }
  const unrecorded = expected.filter((id) => !inSync.includes(id));
  if (unrecorded.length > 0) return { ask: 'reprotect', reason: `streaming, but not recorded in sync: ${unrecorded.join(', ')}` };
  const unkept = expected.filter((id) => slotless.includes(id));
  return unkept.length > 0 ? { ask: 'reprotect', reason: `streaming through a slot that was lost: ${unkept.join(', ')}` } : NOTHING;
}
