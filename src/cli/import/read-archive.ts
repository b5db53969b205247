import { isUtf8 } from 'node:buffer';

/** One object of a dump. */
export interface TocEntry {
  readonly id: number;
  /** Its kind in capitals, such as `TABLE DATA`. */
  readonly kind: string;
  /** Undefined for what lies in no schema. */
  readonly schema: string | undefined;
  /** Its name, with what tells it apart: the arguments of a function, the table of a policy. */
  readonly name: string;
  /** Undefined for what has none. */
  readonly owner: string | undefined;
  /** The statements that make it; empty where there are none, as for a table's data. */
  readonly definition: string;
  /** The ids of the entries that it needs. */
  readonly needs: readonly number[];
}

/** A place in a dump, in bytes from its beginning. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** What a dump says of itself before its first row of data. */
export interface Archive {
  readonly entries: readonly TocEntry[];
  /** The major version of the server that was dumped. */
  readonly serverMajor: number | undefined;
  /** In which encoding its text is, such as `UTF8`; `SQL_ASCII` if nobody knows. */
  readonly encoding: string;
  /** Where the statement stands that says so; undefined if it has none. */
  readonly encodingAt: Span | undefined;
}

/** The dump ended within its table of contents, or has none that is understood. */
export class ArchiveError extends Error {}

/** Versions of the format whose table of contents is understood: those of PostgreSQL 8.4 to 18. */
const OLDEST = version(1, 10);
const NEWEST = version(1, 16);
const TAR_BLOCK_BYTES = 512;
const FORMAT = { custom: 1, tar: 3 } as const;

/**
 * Reads the table of contents of a dump in the custom format, or in a tar archive, whose first member it is.
 *
 * What `pg_restore --list` prints of it cannot be read: nothing sets apart names that hold spaces or line breaks.
 *
 * @throws ArchiveError
 */
export async function readArchive(chunks: AsyncIterable<Uint8Array>): Promise<Archive> {
  const reader = new Reader(chunks[Symbol.asyncIterator]());
  if ((await reader.read((cursor) => cursor.bytes(MAGIC.length))).toString('latin1') !== MAGIC) {
    await reader.read((cursor) => cursor.bytes(TAR_BLOCK_BYTES - MAGIC.length));
    const magic = await reader.read((cursor) => cursor.bytes(MAGIC.length));
    if (magic.toString('latin1') !== MAGIC) throw new ArchiveError('it does not begin as a dump does');
  }
  const head = await reader.read(readHead);
  const entries: TocEntry[] = [];
  let encodingAt: Span | undefined;
  for (let left = await reader.read((cursor) => cursor.int(head)); left > 0; left -= 1) {
    const { definitionAt, ...entry } = await reader.read((cursor) => readEntry(cursor, head));
    if (entry.kind === 'ENCODING') encodingAt = definitionAt;
    entries.push(entry);
  }
  // Which is how pg_restore reads it, too.
  const encoding = /'([^']*)'/.exec(entries.find(({ kind }) => kind === 'ENCODING')?.definition ?? '')?.[1] ?? 'SQL_ASCII';
  return { entries, serverMajor: head.serverMajor, encoding, encodingAt };
}

const MAGIC = 'PGDMP';

interface Head {
  readonly version: number;
  readonly intBytes: number;
  readonly offsetBytes: number;
  readonly format: number;
  readonly serverMajor: number | undefined;
}

/** Fields as `ReadHead` of PostgreSQL's `pg_backup_archiver.c` reads them. */
function readHead(cursor: Cursor): Head {
  const found = version(cursor.byte(), cursor.byte());
  cursor.byte();
  if (found < OLDEST || found > NEWEST) {
    throw new ArchiveError(`its format ${found >> 8}.${found & 0xff} is not known here; dump with a pg_dump of PostgreSQL 15 to 18`);
  }
  const sizes = { version: found, intBytes: cursor.byte(), offsetBytes: cursor.byte(), format: cursor.byte() };
  if (sizes.intBytes < 1 || sizes.intBytes > 8) throw new ArchiveError('its table of contents is damaged');
  if (found >= version(1, 15)) cursor.byte();
  else cursor.int(sizes);
  for (let part = 0; part < 7; part += 1) cursor.int(sizes);
  cursor.text(sizes);
  const serverMajor = /^\d+/.exec(cursor.text(sizes) ?? '')?.[0];
  cursor.text(sizes);
  return { ...sizes, serverMajor: serverMajor === undefined ? undefined : Number(serverMajor) };
}

/** Fields as `ReadToc` of PostgreSQL's `pg_backup_archiver.c` reads them. */
function readEntry(cursor: Cursor, head: Head): TocEntry & { readonly definitionAt: Span } {
  const id = cursor.int(head);
  cursor.int(head);
  // The catalogue it is in, and its number there.
  cursor.text(head);
  cursor.text(head);
  const name = cursor.text(head) ?? '';
  const kind = cursor.text(head) ?? '';
  if (head.version >= version(1, 11)) cursor.int(head);
  const length = cursor.int(head);
  const start = cursor.position;
  const definition = length > 0 ? decode(cursor.bytes(length)) : '';
  // How to drop it, and how to copy its data.
  cursor.text(head);
  cursor.text(head);
  const schema = cursor.text(head);
  // Its tablespace, and its access method.
  cursor.text(head);
  if (head.version >= version(1, 14)) cursor.text(head);
  if (head.version >= version(1, 16)) cursor.int(head);
  const owner = cursor.text(head);
  // Whether its rows have oids.
  cursor.text(head);
  const needs: number[] = [];
  for (let next = cursor.text(head); next !== undefined; next = cursor.text(head)) needs.push(Number(next));
  // Where its data is.
  if (head.format === FORMAT.custom) cursor.bytes(1 + head.offsetBytes);
  else if (head.format === FORMAT.tar) cursor.text(head);
  else throw new ArchiveError('it is neither in the custom nor in the tar format');
  return { id, kind, schema: schema || undefined, name, owner: owner || undefined, definition, needs, definitionAt: { start, length } };
}

function version(major: number, minor: number): number {
  return major * 256 + minor;
}

/** As UTF-8; of a dump in another encoding as LATIN1, which has a character for each byte: it is only shown. */
function decode(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** More bytes are needed than have arrived. */
class Short extends Error {}

/** Reads fields from bytes that have arrived. */
class Cursor {
  constructor(private readonly buffer: Buffer, private readonly origin: number, private offset = 0) {}

  /** Of the next byte, from the beginning of the dump. */
  get position(): number {
    return this.origin + this.offset;
  }

  get taken(): number {
    return this.offset;
  }

  bytes(length: number): Buffer {
    if (this.offset + length > this.buffer.length) throw new Short();
    return this.buffer.subarray(this.offset, (this.offset += length));
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  /** A byte for the sign, and then the number with its lowest byte first. */
  int({ intBytes }: Pick<Head, 'intBytes'>): number {
    const isNegative = this.byte() !== 0;
    const bytes = this.bytes(intBytes);
    let value = 0;
    for (let index = intBytes - 1; index >= 0; index -= 1) value = value * 256 + (bytes[index] ?? 0);
    return isNegative ? -value : value;
  }

  /** Undefined where there is none, which is not the same as an empty one. */
  text(head: Pick<Head, 'intBytes'>): string | undefined {
    const length = this.int(head);
    return length < 0 ? undefined : decode(this.bytes(length));
  }
}

/** Takes from a stream as many bytes as what is read from it needs. */
class Reader {
  private pending = Buffer.alloc(0);
  private origin = 0;

  constructor(private readonly chunks: AsyncIterator<Uint8Array>) {}

  async read<T>(take: (cursor: Cursor) => T): Promise<T> {
    for (;;) {
      const cursor = new Cursor(this.pending, this.origin);
      try {
        const result = take(cursor);
        this.pending = this.pending.subarray(cursor.taken);
        this.origin += cursor.taken;
        return result;
      } catch (error) {
        if (!(error instanceof Short)) throw error;
      }
      const next = await this.chunks.next();
      if (next.done === true) throw new ArchiveError('it ends too soon');
      this.pending = Buffer.concat([this.pending, next.value]);
    }
  }
}
