const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What stays free of a file system that databases share: enough for what is under way when those that fill it are stopped. */
export const floorBytes = (totalBytes: number): number => Math.min(GIB, Math.max(64 * MIB, totalBytes / 50));

/** Whether nothing more is placed on a file system: less is free than what opens again the databases that were stopped there. */
export const isFull = ({ usedBytes, freeBytes }: { readonly usedBytes: number; readonly freeBytes: number }): boolean => freeBytes < 2 * floorBytes(usedBytes + freeBytes);
