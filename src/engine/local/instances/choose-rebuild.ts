const MIB = 1024 * 1024;

/** What decides how an instance that diverged is made a standby again. */
export interface RebuildFacts {
  /** Whether there is a data directory that a rewind could start from, and a way to run one. */
  readonly canRewind: boolean;
  /** All databases of the primary together, in bytes. */
  readonly dataBytes: number;
  /** Room on the instance's host, in bytes. */
  readonly freeBytes: number;
  readonly copyUpToBytes: number;
}

/**
 * Up to this size a copy is faster. A rewind first lets the old server recover, and then fetches every WAL segment that
 * the primary keeps, whatever the size; a copy reads everything, at some 100 MB a second through TLS.
 */
export const COPY_UP_TO_BYTES = 512 * MIB;
/** What a copy needs beside the data: WAL, and some air. */
const COPY_OVERHEAD_BYTES = 512 * MIB;

/** Chooses the faster way; where there is no room for a second copy beside the old one, the only way. */
export function chooseRebuild({ canRewind, dataBytes, freeBytes, copyUpToBytes }: RebuildFacts): 'rewind' | 'copy' {
  if (!canRewind) return 'copy';
  if (freeBytes < dataBytes + COPY_OVERHEAD_BYTES) return 'rewind';
  return dataBytes <= copyUpToBytes ? 'copy' : 'rewind';
}
