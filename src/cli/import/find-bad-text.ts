import { isUtf8 } from 'node:buffer';

/** A line of a dump that is not UTF-8. */
export interface BadText {
  /** What it belongs to, such as `line 3 of the data of public.items`. */
  readonly where: string;
  /** The first bytes at fault, such as `0xe4 0x72`. */
  readonly bytes: string;
}

const COPY = /^COPY (.*) \(.*\) FROM stdin;$/;
const NAMED = /^-- (?:Data for )?Name: (.*); Type: (.*); Schema: /;
const NEWLINE = 0x0a;

/** Finds the first line of a dump in SQL, as pg_dump and pg_restore write it, that is not UTF-8. */
export async function findBadText(sql: AsyncIterable<Uint8Array>): Promise<BadText | undefined> {
  const place = new Place();
  let rest = Buffer.alloc(0);
  for await (const chunk of sql) {
    const text = Buffer.concat([rest, chunk]);
    let begin = 0;
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, begin)) {
      const line = text.subarray(begin, end);
      begin = end + 1;
      if (!place.pass(line) && !isUtf8(line)) return { where: place.describe(), bytes: showFault(line) };
    }
    rest = text.subarray(begin);
  }
  return undefined;
}

/** Where in a dump a line is. */
class Place {
  private table: string | undefined;
  private row = 0;
  private object = 'the beginning of the dump';

  /** Goes on to a line; answers whether it holds no text of the source's. */
  pass(line: Buffer): boolean {
    if (this.table !== undefined) {
      this.row += 1;
      const isEnd = line.length === 2 && line.toString('latin1') === '\\.';
      if (isEnd) this.table = undefined;
      return isEnd;
    }
    const text = line.toString('latin1');
    this.table = COPY.exec(text)?.[1];
    this.row = 0;
    const [, name, kind] = NAMED.exec(text) ?? [];
    if (name !== undefined) this.object = `the definition of ${kind} ${name}`;
    return false;
  }

  describe(): string {
    return this.table === undefined ? this.object : `line ${this.row} of the data of ${this.table}`;
  }
}

/** The bytes with which a line stops to be UTF-8. */
function showFault(line: Buffer): string {
  let at = 0;
  for (let length: number | undefined = 0; length !== undefined; at += length ?? 0) {
    const begin = at;
    length = [1, 2, 3, 4].find((bytes) => begin + bytes <= line.length && isUtf8(line.subarray(begin, begin + bytes)));
  }
  return [...line.subarray(at, at + 2)].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(' ');
}
