/** A file system as it is, and what the ballast on it holds. */
export interface BallastFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly heldBytes: number;
}

const MIB = 2 ** 20;

/** The size of the reserve: some hours of the control plane's metadata, WAL and logs. */
export const ballastBytes = (totalBytes: number): number => Math.floor(Math.min(256 * MIB, Math.max(16 * MIB, totalBytes / 32)));

/**
 * Decides what becomes of the ballast. It is let go while a little is left, since what is writing by then has no time to
 * wait, and made again once there is room for several of it.
 */
export function decideBallast({ freeBytes, totalBytes, heldBytes }: BallastFacts): 'keep' | 'release' | 'make' {
  const size = ballastBytes(totalBytes);
  if (heldBytes > 0 && freeBytes < size / 4) return 'release';
  return heldBytes < size && freeBytes + heldBytes >= 4 * size ? 'make' : 'keep';
}

/**
 * Whether the metadata server is to give back, or use again, the room of its WAL: the ballast is gone and cannot be made again.
 * Not where next to nothing is left: a checkpoint that finds no room for its own small files ends the server.
 */
export const isToBeSpared = (facts: BallastFacts): boolean =>
  facts.heldBytes === 0 && decideBallast(facts) === 'keep' && facts.freeBytes >= ballastBytes(facts.totalBytes) / 16;
