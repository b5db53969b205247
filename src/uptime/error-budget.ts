import { type CountedMs, shareUp } from './count-uptime.js';

/** The promise of `design.md`, part 1: 99.9 % a month, and at most 45 minutes of unplanned downtime. */
export const PROMISED_SHARE = 0.999;
export const MOST_DOWN_MS = 45 * 60_000;

/** Unplanned downtime that a promise allows in a month, and what is left of it: below zero once the promise is broken. */
export interface ErrorBudget {
  readonly allowedSeconds: number;
  readonly usedSeconds: number;
  readonly leftSeconds: number;
}

export interface Budgets {
  /** By the share: a thousandth of the month. */
  readonly share: ErrorBudget;
  /** By the minutes: 45 of them, however long the month is. */
  readonly minutes: ErrorBudget;
  /** Whether the promises are kept so far; null while nothing is known. */
  readonly kept: boolean | null;
}

/**
 * What is left of a month's budgets.
 *
 * @param monthMs how long the counted month is: of a database, the part in which it exists; of a month that is not over, its whole length
 */
export function leaveBudget(counted: CountedMs, monthMs: number): Budgets {
  const share = shareUp(counted);
  const budget = (allowedMs: number): ErrorBudget => ({
    allowedSeconds: seconds(allowedMs), usedSeconds: seconds(counted.down), leftSeconds: seconds(allowedMs - counted.down),
  });
  return {
    share: budget((1 - PROMISED_SHARE) * monthMs), minutes: budget(MOST_DOWN_MS),
    kept: share === null ? null : counted.down <= (1 - PROMISED_SHARE) * monthMs && counted.down <= MOST_DOWN_MS,
  };
}

/** To the millisecond. */
export const seconds = (ms: number): number => Math.round(ms) / 1000;
