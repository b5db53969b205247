import { ProblemError } from '../../../clients/typescript/src/client.js';
import type { Locale, LocaleProvider } from '../../config/locale-names.js';
import { CliError } from '../cli-error.js';
import { formatTable, note } from '../output.js';
import type { NotCarried } from './choose-carried.js';
import { findSorted, type Sorted } from './find-sorted.js';
import type { TocEntry } from './read-archive.js';
import { describeLocale, givenLocale, isSameLocale, readSourceLocale, type SourceLocale, wishLocale } from './source-locale.js';

/** By what the new database is to sort text. */
interface SettledLocale {
  readonly notCarried: readonly NotCarried[];
  /**
   * Asks for the database.
   *
   * @throws CliError that tells what would change without the source's locale, if it cannot be had
   */
  readonly ask: <T>(request: (body: LocaleBody) => Promise<T>) => Promise<T>;
}

interface LocaleBody {
  readonly locale?: string;
  readonly provider?: LocaleProvider;
}

const bodyOf = ({ provider, name }: Locale) => ({ provider, locale: name });

/**
 * Chooses the source's own locale, unless another one was asked for; then tells what changes.
 *
 * @throws CliError if the source's cannot be had as it is and nobody said what to take instead
 */
export function settleLocale(
  entries: readonly TocEntry[], options: { readonly locale?: string; readonly provider?: LocaleProvider },
): SettledLocale {
  const given = givenLocale(options.locale, options.provider);
  const source = readSourceLocale(entries);
  if (source === undefined) {
    note('the dump does not say by what its source sorts text');
    return { notCarried: [], ask: (request) => request(given === undefined ? {} : bodyOf(given)) };
  }
  const wish = wishLocale(source);
  const touched = findSorted(entries);
  if (given === undefined) {
    if (wish.change !== undefined) throw new CliError(refuse(source, wish.change, touched, wish.locale));
    return { notCarried: [], ask: (request) => askFor(request, [wish.locale, ...(wish.other ? [wish.other] : [])], source, touched) };
  }
  const isSame = wish.change === undefined && [wish.locale, wish.other].some((locale) => locale && isSameLocale(given, locale));
  const ask: SettledLocale['ask'] = (request) => request(bodyOf(given));
  if (isSame) return { notCarried: [], ask };
  const why = `text is sorted by ${describeLocale(given)} there`;
  note(
    `the source sorts text by ${describeLocale(source)}, the new database by ${describeLocale(given)}: `
      + `ORDER BY, < and > answer differently; ${describeTouched(touched)}`,
  );
  return { notCarried: [{ kind: 'locale', name: describeLocale(source), why }], ask };
}

/** Asks with one locale after the other, until the servers have it. */
async function askFor<T>(
  request: (body: LocaleBody) => Promise<T>, [first, ...others]: readonly Locale[], source: SourceLocale, touched: readonly Sorted[],
): Promise<T> {
  try {
    return await request(first ? bodyOf(first) : {});
  } catch (error) {
    if (!(error instanceof ProblemError) || error.slug !== 'locale-not-available') throw error;
    if (others.length > 0) return askFor(request, others, source, touched);
    throw explain(error, source, touched);
  }
}

function explain(error: ProblemError, source: SourceLocale, touched: readonly Sorted[]): CliError {
  return new CliError(
    refuse(source, error.problem.errors?.map(({ message }) => `it ${message}`).join('; ') ?? error.problem.detail, touched),
  );
}

function refuse(source: SourceLocale, why: string, touched: readonly Sorted[], next?: Locale): string {
  const instead =
    next === undefined
      ? '--locale C.UTF-8 (by code point), or --provider icu --locale und (as most languages do)'
      : `--provider ${next.provider} --locale ${next.name}`;
  return (
    `the source sorts text by ${describeLocale(source)}, which cannot be had: ${why}. Nothing was made.\n`
    + `With another locale ORDER BY, < and > answer differently; ${describeTouched(touched)}\nSay by what the new database is to sort, `
    + `such as ${instead}`
  );
}

/** Things that are named one by one. */
const NAMED = 30;

function describeTouched(touched: readonly Sorted[]): string {
  // Texts that are equal are so byte by byte, in every locale that a database can have.
  if (touched.length === 0) return 'no index, unique constraint or partition depends on it';
  const rest = touched.length > NAMED ? `\nand ${touched.length - NAMED} more` : '';
  return `${touched.length} of its indexes, constraints and partitions are in that order and will be in the new one:\n`
    + `${formatTable(touched.slice(0, NAMED), [['KIND', ({ kind }) => kind], ['NAME', ({ name }) => name]])}${rest}`;
}
