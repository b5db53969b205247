import type { Purpose } from '../operations/traits.js';

/** An operation that was asked for to empty hosts, or that ended an outage of a database on them before. */
export interface MoveOperation {
  readonly databaseId: string;
  readonly kind: string;
  readonly purpose: Purpose | undefined;
  readonly state: string;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
  /** When its endpoint led to a primary again; null for what ends no outage. */
  readonly routedAt: Date | null;
  readonly acceptDataLoss: boolean;
  /** Of a restore: the last commit that is in it. */
  readonly lastCommitAt: Date | null;
}

/** What the loss of hosts cost a database. */
export interface EndedOutage {
  readonly databaseId: string;
  readonly by: string;
  /** Seconds from when it was known to be lost until it could be written to again; null if it cannot yet. */
  readonly rtoSeconds: number | null;
  /** Seconds of commits that may be lost, at most; null if nobody can tell. */
  readonly rpoSecondsAtMost: number | null;
}

/** What emptying hosts came to. */
export interface MoveReport {
  /** How many operations of each kind succeeded. */
  readonly done: Readonly<Record<string, number>>;
  readonly failed: readonly { readonly databaseId: string; readonly kind: string; readonly reason: string }[];
  /** How long each database was being changed, in seconds: the longest first. */
  readonly databases: readonly { readonly databaseId: string; readonly seconds: number }[];
  /** Of databases that were down: the longest outage first. */
  readonly recoveries: readonly EndedOutage[];
}

const ENDS_AN_OUTAGE: ReadonlySet<Purpose | undefined> = new Set(['failover', 'restore']);

/** @param lostAt when the hosts were declared lost; a failover may have begun before by itself */
export function reportMoves(operations: readonly MoveOperation[], lostAt: Date): MoveReport {
  const done: Record<string, number> = {};
  const milliseconds = new Map<string, number>();
  for (const { databaseId, kind, state, startedAt, finishedAt } of operations) {
    if (state === 'succeeded') done[kind] = (done[kind] ?? 0) + 1;
    const spent = startedAt && finishedAt ? finishedAt.getTime() - startedAt.getTime() : 0;
    milliseconds.set(databaseId, (milliseconds.get(databaseId) ?? 0) + spent);
  }
  const failed = operations.filter(({ state }) => state === 'failed' || state === 'cancelled')
    .map(({ databaseId, kind, reason }) => ({ databaseId, kind, reason: reason ?? 'nothing was said' }));
  const databases = [...milliseconds].sort(([, a], [, b]) => b - a).map(([databaseId, ms]) => ({ databaseId, seconds: ms / 1000 }));
  const recoveries = operations.filter(({ purpose, routedAt }) => ENDS_AN_OUTAGE.has(purpose) && routedAt !== null)
    .map((operation) => describeOutage(operation, lostAt));
  return { done, failed, databases, recoveries: recoveries.sort((a, b) => (b.rtoSeconds ?? Infinity) - (a.rtoSeconds ?? Infinity)) };
}

function describeOutage(
  { databaseId, kind, purpose, createdAt, routedAt, acceptDataLoss, lastCommitAt }: MoveOperation, lostAt: Date,
): EndedOutage {
  const since = Math.min(createdAt.getTime(), lostAt.getTime());
  const rtoSeconds = routedAt && (routedAt.getTime() - since) / 1000;
  if (purpose === 'failover') return { databaseId, by: kind, rtoSeconds, rpoSecondsAtMost: acceptDataLoss ? null : 0 };
  // What was committed last before the loss nobody can tell: the longest that it can be is from the last commit that is there.
  return { databaseId, by: kind, rtoSeconds, rpoSecondsAtMost: lastCommitAt && Math.max(0, (since - lastCommitAt.getTime()) / 1000) };
}
