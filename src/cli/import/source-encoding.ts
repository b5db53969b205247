import { CliError, EXIT } from '../cli-error.js';
import { note } from '../output.js';
import { findBadText } from './find-bad-text.js';
import type { Archive } from './read-archive.js';
import type { RepeatedDump } from './read-contents.js';

/** The encodings that PostgreSQL converts to UTF-8. */
const CONVERTED = [
  'BIG5',
  'EUC_CN',
  'EUC_JIS_2004',
  'EUC_JP',
  'EUC_KR',
  'EUC_TW',
  'GB18030',
  'GBK',
  'ISO_8859_5',
  'ISO_8859_6',
  'ISO_8859_7',
  'ISO_8859_8',
  'JOHAB',
  'KOI8R',
  'KOI8U',
  'LATIN1',
  'LATIN2',
  'LATIN3',
  'LATIN4',
  'LATIN5',
  'LATIN6',
  'LATIN7',
  'LATIN8',
  'LATIN9',
  'LATIN10',
  'SHIFT_JIS_2004',
  'SJIS',
  'UHC', 'UTF8', 'WIN866', 'WIN874', 'WIN1250', 'WIN1251', 'WIN1252', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258',
];
const UNKNOWN = 'SQL_ASCII';

/** @throws CliError if PostgreSQL converts no such encoding to UTF-8 */
export function parseEncoding(text: string): string {
  const plain = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const found = CONVERTED.find((name) => plain(name) === plain(text));
  if (found === undefined) throw new CliError(`--encoding takes one of ${CONVERTED.join(', ')}`, EXIT.usage);
  return found;
}

/**
 * Settles in which encoding a dump is read whose source never looked at what it stored.
 *
 * The rows of one that says SQL_ASCII are copied into a database without being looked at either, so that they could not be
 * read or dumped again: it is made to say something else, and PostgreSQL then checks each byte.
 *
 * @param toSql all of the dump in SQL
 * @throws CliError if it cannot be told what its bytes mean
 */
export async function settleEncoding(
  dump: RepeatedDump, archive: Archive, given: string | undefined, toSql: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  if (archive.encoding !== UNKNOWN) {
    if (given !== undefined) {
      throw new CliError(
        `the source is in ${archive.encoding} and is converted from that: --encoding is for sources in ${UNKNOWN}`, EXIT.usage,
      );
    }
    return;
  }
  if (archive.encodingAt === undefined) {
    throw new CliError('the dump does not say in which encoding it is: dump again with pg_dump --format=custom');
  }
  if (given === undefined) {
    note(`the source is in ${UNKNOWN}, which says nothing of what its bytes mean: looking whether all of them are UTF-8`);
    const bad = await findBadText(toSql());
    if (bad !== undefined) {
      throw new CliError(
        `${bad.where} is not UTF-8 (${bad.bytes}), and the source, which is in ${UNKNOWN}, does not say what it is; nothing was made.`
        + ' Say it with --encoding, such as --encoding WIN1252, or mend the source');
    }
  }
  dump.overwrite(archive.encodingAt.start, encodingStatement(given ?? 'UTF8', archive.encodingAt.length));
}

/** A statement of the same length, for everything behind it stays where it is; pg_restore takes what stands between the quotes. */
export function encodingStatement(encoding: string, length: number): Uint8Array {
  const statement = [`SET client_encoding = '${encoding}';`, `SET '${encoding}';`].find((text) => text.length < length);
  if (statement === undefined) throw new Error(`${encoding} is too long for ${length} bytes`);
  return Buffer.from(`${statement.padEnd(length - 1)}\n`, 'latin1');
}
