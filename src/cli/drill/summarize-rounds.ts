import type { Round } from './run-round.js';

/** How values are spread, in seconds. */
export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

export interface Summary {
  readonly outageSeconds: Spread | null;
  readonly redundantSeconds: Spread | null;
  readonly acknowledged: number;
  readonly lost: number;
  readonly clientErrors: number;
  /** Rounds without a good end. */
  readonly failed: number;
}

/** @param lostAtEnd rows of any round that are missing after the last one: a later round may lose what an earlier one wrote */
export function summarizeRounds(rounds: readonly Round[], lostAtEnd: readonly number[]): Summary {
  const sum = (count: (round: Round) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  return {
    outageSeconds: spread(rounds.map(({ outageSeconds }) => outageSeconds)),
    redundantSeconds: spread(rounds.flatMap(({ redundantSeconds }) => redundantSeconds ?? [])),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: new Set([...rounds.flatMap(({ lost }) => lost), ...lostAtEnd]).size,
    clientErrors: sum(({ clientErrors }) => clientErrors),
    failed: rounds.filter(({ failure }) => failure !== null).length,
  };
}

/** Nearest ranks, so that each is a value that was measured; null of nothing. */
function spread(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? null : { median: rank(0.5), p95: rank(0.95), worst: rank(1) };
}
