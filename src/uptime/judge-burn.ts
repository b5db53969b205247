import { countDatabase, countPlatform, type DatabaseHistory } from './count-uptime.js';
import { PROMISED_SHARE } from './error-budget.js';
import type { Span } from './outage.js';

/** That an error budget is used up much faster than a month allows. */
export interface Burn {
  readonly severity: 'warning' | 'critical';
  /** How many times faster. */
  readonly rate: number;
  /** Over which time. */
  readonly hours: number;
}

const MINUTE_MS = 60_000;

/**
 * Two windows each, so that an alert comes soon and ends soon: the budget burns over the long one, and still does over the short
 * one. At 14.4 times the rate 2 % of a month's budget are gone in an hour, at 6 times 5 % in six (Google, The Site Reliability
 * Workbook, chapter 5). An outage of 51 s, longer than any failover that goes well, raises none.
 */
const RULES = [
  { severity: 'critical', rate: 14.4, longMs: 60 * MINUTE_MS, shortMs: 5 * MINUTE_MS },
  { severity: 'warning', rate: 6, longMs: 360 * MINUTE_MS, shortMs: 30 * MINUTE_MS },
] as const;

/** As far back as the rules look. */
export const LONGEST_MS = Math.max(...RULES.map(({ longMs }) => longMs));

/** How fast the error budget of a database burns, or with several of the platform; what customers did themselves burns nobody's. */
export function judgeBurn(histories: readonly DatabaseHistory[], of: 'database' | 'platform', nowMs: number): Burn | undefined {
  const downIn = (period: Span): number => {
    if (of === 'platform') return countPlatform(histories, period).down;
    return histories.reduce((sum, history) => (
      sum + countDatabase({ ...history, outages: history.outages.filter(({ cause }) => cause !== 'customer') }, period).down), 0);
  };
  const rateOver = (lengthMs: number): number => downIn({ fromMs: nowMs - lengthMs, toMs: nowMs }) / lengthMs / (1 - PROMISED_SHARE);
  for (const { severity, rate, longMs, shortMs } of RULES) {
    const long = rateOver(longMs);
    if (long >= rate && rateOver(shortMs) >= rate) return { severity, rate: long, hours: longMs / 3_600_000 };
  }
  return undefined;
}
