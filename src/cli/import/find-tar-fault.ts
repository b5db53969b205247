const BLOCK_BYTES = 512;

/** Reads some bytes of a file from a place on; fewer where it ends. */
export type ReadAt = (position: number, bytes: number) => Promise<Buffer>;

/**
 * Finds what is wrong with the outer form of a tar archive: pg_restore 15 turns forever in one that was cut off.
 *
 * @returns undefined if it is followed by its end mark
 */
export async function findTarFault(read: ReadAt): Promise<string | undefined> {
  for (let position = 0; ;) {
    const header = await read(position, BLOCK_BYTES);
    if (header.length < BLOCK_BYTES) return 'it ends too soon';
    if (header.every((byte) => byte === 0)) return undefined;
    const size = readSize(header.subarray(124, 136));
    if (header.subarray(257, 262).toString('latin1') !== 'ustar' || size === undefined) return 'a part of it is no archive';
    position += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
}

/** Octal digits; or, of what is larger than 8 GiB, binary with the highest bit set. */
function readSize(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) return field.readUIntBE(6, 6);
  const text = field.toString('latin1').replace(/[\0 ]+$/, '').trim();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined;
}
