import type { InstanceSize } from '../../ports.js';

const MIB = 2 ** 20;
/** Data may grow past the plan by so much before sessions that make it grow are ended (`judge-storage.ts`, `ENDED_FROM`). */
const DATA_SHARE = 1.1;
/** Temporary files of all sessions together end them at half the plan; they are looked at only twice a second. */
const TEMPORARY_SHARE = 0.75;
/** WAL: what waits for a standby or a site (a fifth of the plan at most), what is kept, and what a checkpoint still needs. */
const WAL_SHARE = 0.4;
/** Beside the data there is room for a second copy, which a standby that is made anew has until it takes the place of the first. */
const COPIES = 2;
/** Logs, certificates, the ballast, and what the file system itself takes. */
const RESERVE_BYTES = 1_024 * MIB;

/**
 * The size of a database's volume on one host, in bytes; the image is sparse, so that only what is used takes room.
 *
 * It is a wall that keeps a tenant from the disk of its neighbours. Those limits that its customer meets come long before it.
 */
export function volumeBytes({ diskGb }: Pick<InstanceSize, 'diskGb'>): number {
  const planBytes = diskGb * 1_024 * MIB;
  return Math.ceil((planBytes * (COPIES * DATA_SHARE + TEMPORARY_SHARE + WAL_SHARE) + RESERVE_BYTES) / MIB) * MIB;
}
