/** What a file seems to be by its beginning: `restorable` by pg_restore, or what to tell of it. */
export type Sniffed =
  { readonly restorable: true; readonly format: 'custom' | 'tar' } | { readonly restorable: false; readonly fault: string };

/** Bytes of a file's beginning that tell what it is. */
export const SNIFFED_BYTES = 512;

/** Tells a dump that pg_restore can read (custom format, or tar) from everything else. */
export function sniffDump(beginning: Buffer): Sniffed {
  const fault = (text: string): Sniffed => ({ restorable: false, fault: text });
  if (beginning.length === 0) return fault('it is empty');
  if (beginning.subarray(0, 5).toString('latin1') === 'PGDMP') return { restorable: true, format: 'custom' };
  if (beginning.subarray(257, 262).toString('latin1') === 'ustar') {
    const first = beginning.subarray(0, 8).toString('latin1');
    return first === 'toc.dat\0' ? { restorable: true, format: 'tar' } : fault('it is an archive, but not one of pg_dump --format=tar');
  }
  if (beginning[0] === 0x1f && beginning[1] === 0x8b) return fault('it is compressed; unpack it with gunzip first');
  if (/^\s*(?:--|SET |CREATE |\\)/.test(beginning.toString('latin1'))) {
    return fault(
      "it is SQL; make a database with freehold databases create and run psql 'URI' -f FILE, or dump anew with pg_dump --format=custom",
    );
  }
  return fault('it is not a dump; make one with pg_dump --format=custom');
}
