import type { OpenTransaction } from '../engine/ports.js';

/** What is known of a primary whose clients are to be paused for a moment. */
export interface PauseFacts {
  /** The customer's transactions that are open now. */
  readonly transactions: readonly OpenTransaction[];
  /** How long the operation has waited for them in all, and since its last attempt to pause failed. */
  readonly waitedMs: number;
  readonly sinceFailureMs: number;
  /** How often clients were paused in vain. */
  readonly failures: number;
  /** After how long an operator wants transactions ended that are in the way; null: never. */
  readonly endAfterMs: number | null;
}

/** Pause now; or end these; or look again later, because of these; or do without. */
export type PauseDecision =
  | { readonly decision: 'pause' }
  | { readonly decision: 'end'; readonly transactions: readonly OpenTransaction[] }
  | { readonly decision: 'wait'; readonly forMs: number; readonly for: readonly OpenTransaction[] }
  | { readonly decision: 'give-up'; readonly for: readonly OpenTransaction[] };

/** How long running transactions may keep clients waiting. */
export const PAUSE_LIMIT_MS = 5_000;
/** A transaction that has been open for so long is not expected to end within the limit. */
const LONG_MS = 1_000;
/** If there is always a transaction that long, after a while those are accepted that may still end within the limit. */
const PATIENCE_MS = 30_000;
const LONG_AFTER_PATIENCE_MS = 4_000;
/** Without an operator's word on when transactions are ended, the operation gives up after so long: it may be asked for again. */
const WAITS_AT_MOST_MS = 3_600_000;
/** The longest that an operator may have it wait until transactions are ended. */
export const MOST_MINUTES_TO_END = 1_440;
/** Each attempt that failed has held up clients for nothing; the pause before the next one doubles. */
const MOST_FAILURES = 5;
const FIRST_BACKOFF_MS = 5_000;
/** A wait is looked at again after a tenth of what it has taken, within these. */
const SOONEST_LOOK_MS = 250;
const LATEST_LOOK_MS = 5_000;

/** Decides whether to pause a primary's clients now. No client waits while this is decided. */
export function decidePause({ transactions, waitedMs, sinceFailureMs, failures, endAfterMs }: PauseFacts): PauseDecision {
  const longMs = waitedMs < PATIENCE_MS ? LONG_MS : LONG_AFTER_PATIENCE_MS;
  const inTheWay = transactions.filter(({ openSeconds }) => openSeconds * 1_000 >= longMs);
  if (failures >= MOST_FAILURES) return { decision: 'give-up', for: inTheWay };
  if (inTheWay.length > 0 && endAfterMs !== null && waitedMs >= endAfterMs) return { decision: 'end', transactions: inTheWay };
  if (inTheWay.length > 0 && endAfterMs === null && waitedMs >= WAITS_AT_MOST_MS) return { decision: 'give-up', for: inTheWay };
  const backoffMs = failures === 0 ? 0 : FIRST_BACKOFF_MS * 2 ** (failures - 1);
  if (inTheWay.length === 0 && sinceFailureMs >= backoffMs) return { decision: 'pause' };
  // Nobody is in the way any more, and the rest of the pause after a failure is known.
  if (inTheWay.length === 0) {
    return { decision: 'wait', forMs: Math.max(1, Math.ceil(Math.min(LATEST_LOOK_MS, backoffMs - sinceFailureMs))), for: [] };
  }
  const untilMs = endAfterMs === null ? Infinity : endAfterMs - waitedMs;
  const lookMs = Math.min(LATEST_LOOK_MS, Math.max(SOONEST_LOOK_MS, waitedMs / 10));
  return { decision: 'wait', forMs: Math.round(Math.max(1, Math.min(lookMs, untilMs))), for: inTheWay };
}

const NAMED = 3;

/**
 * Says which transactions these are, in words that stay the same for as long as the transactions last; the text of a query is the
 * customer's own, and left out.
 */
export function describeTransactions(transactions: readonly OpenTransaction[]): string {
  const named = transactions.slice(0, NAMED).map(({ pid, user, application, state, since }) =>
    `a transaction of ${user}${application === '' ? '' : ` (${application})`}, process ${pid}, `
      + `${state}, open since ${since.slice(0, 19)}Z`);
  return [...named, ...(transactions.length > NAMED ? [`${transactions.length - NAMED} more`] : [])].join('; ');
}
