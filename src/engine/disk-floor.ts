const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What stays free of a file system that databases share: enough for what is under way when those that fill it are stopped. */
export const floorBytes = (totalBytes: number): number => Math.min(GIB, Math.max(64 * MIB, totalBytes / 50));

interface RoomOnDisk {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** Whether nothing more is placed on a file system: less is free than what opens again the databases that were stopped there. */
export const isFull = ({ usedBytes, freeBytes }: RoomOnDisk): boolean => freeBytes < 2 * floorBytes(usedBytes + freeBytes);

/** What one process that unpacks a backup writes in the seconds by which a disk is judged ahead (`judgeRoom`), on a fast machine. */
const DRILL_AHEAD_BYTES = 512 * MIB;

/**
 * Whether a drill may put so much on a file system for a while. Databases are stopped by what is free and by how fast it goes,
 * whoever takes it; a drill must never be the reason. So it leaves more than the floor, and what it writes within seconds besides.
 */
export const hasRoomForDrill = (room: RoomOnDisk, bytes: number): boolean =>
  !isFull({ usedBytes: room.usedBytes + bytes, freeBytes: room.freeBytes - bytes - Math.min(3 * bytes, DRILL_AHEAD_BYTES) });
