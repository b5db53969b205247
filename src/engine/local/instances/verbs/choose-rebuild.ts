import type { Rebuild } from '../../fleet/local-fleet.js';

const MIB = 1024 * 1024;

/** What decides how an instance that diverged is made a standby again. */
export interface RebuildFacts {
  /** Whether there is a data directory that a rewind could start from, and a way to run one. */
  readonly canRewind: boolean;
  /** All databases of the primary together, in bytes. */
  readonly dataBytes: number;
  /** The WAL segments that the primary keeps, in bytes. */
  readonly walBytes: number;
  /** Room on the instance's host, in bytes. */
  readonly freeBytes: number;
}

/** Through TLS, on a machine without an AES unit. */
const BYTES_A_SECOND = 100 * MIB;
/** What each takes of a database with next to nothing in it, measured side by side: medians of 5. */
const REWIND_SECONDS = 0.9;
const COPY_SECONDS = 1.6;
/** What a copy needs beside the data: WAL, and some air. */
const COPY_OVERHEAD_BYTES = 512 * MIB;

/**
 * Chooses the faster way; where there is no room for a second copy beside the old one, the only way.
 *
 * A rewind fetches what has changed and every segment of WAL that the primary keeps, whatever the size of the data; a
 * copy fetches all data, and only the WAL that is written meanwhile. So what is small and busy is copied.
 */
export function chooseRebuild({ canRewind, dataBytes, walBytes, freeBytes }: RebuildFacts): Rebuild {
  if (!canRewind) return 'copy';
  if (freeBytes < dataBytes + COPY_OVERHEAD_BYTES) return 'rewind';
  const rewindSeconds = REWIND_SECONDS + walBytes / BYTES_A_SECOND;
  const copySeconds = COPY_SECONDS + dataBytes / BYTES_A_SECOND;
  return rewindSeconds <= copySeconds ? 'rewind' : 'copy';
}
