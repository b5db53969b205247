/** A row whose insert was acknowledged, and when, in milliseconds since the epoch. */
export interface AcknowledgedRow {
  readonly number: number;
  readonly atMs: number;
}

/** What a disaster cost a writer. */
export interface Loss {
  readonly lost: number;
  /** From the acknowledgement of the oldest row that is missing to the disaster; 0 if none is. */
  readonly rpoSeconds: number;
  /** Missing rows that are older than one that is there: a restore may end early, but may leave nothing out. */
  readonly holes: number;
}

/**
 * @param before what was acknowledged before the disaster, in order
 * @param missing the numbers of rows that the restored database does not have
 */
export function measureLoss(before: readonly AcknowledgedRow[], missing: ReadonlySet<number>, destroyedAtMs: number): Loss {
  const isMissing = ({ number }: AcknowledgedRow): boolean => missing.has(number);
  const lost = before.filter(isMissing);
  const lastThere = before.findLastIndex((row) => !isMissing(row));
  const [oldest] = lost;
  return {
    lost: lost.length,
    rpoSeconds: oldest ? Math.max(0, destroyedAtMs - oldest.atMs) / 1000 : 0,
    holes: before.slice(0, lastThere + 1).filter(isMissing).length,
  };
}
