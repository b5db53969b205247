/** An operation that was asked for to empty hosts. */
export interface MoveOperation {
  readonly databaseId: string;
  readonly kind: string;
  readonly state: string;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
}

/** What emptying hosts came to. */
export interface MoveReport {
  /** How many operations of each kind succeeded. */
  readonly done: Readonly<Record<string, number>>;
  readonly failed: readonly { readonly databaseId: string; readonly kind: string; readonly reason: string }[];
  /** How long each database was being changed, in seconds: the longest first. */
  readonly databases: readonly { readonly databaseId: string; readonly seconds: number }[];
}

export function reportMoves(operations: readonly MoveOperation[]): MoveReport {
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
  return { done, failed, databases };
}
