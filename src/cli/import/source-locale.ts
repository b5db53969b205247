import { canonicalLocale, DEFAULT_LOCALES, type Locale, LOCALE_PROVIDERS, type LocaleProvider } from '../../config/locale-names.js';
import type { TocEntry } from './read-archive.js';

/** By what a source sorts text. */
export interface SourceLocale extends Locale {
  /** By what it tells letters from each other, if that is another locale. */
  readonly characters: string | undefined;
  /** Whether rules of its own were added to those of ICU. */
  readonly hasRules: boolean;
}

const LITERAL = "'((?:[^']|'')*)'";

/** Reads by what a source sorts from the statement with which it would be made anew; undefined if the dump has none. */
export function readSourceLocale(entries: readonly TocEntry[]): SourceLocale | undefined {
  const definition = entries.find(({ kind }) => kind === 'DATABASE')?.definition ?? '';
  const read = (option: string): string | undefined => new RegExp(` ${option} = ${LITERAL}`).exec(definition)?.[1]?.replaceAll("''", "'");
  const provider = LOCALE_PROVIDERS.find((name) => name === / LOCALE_PROVIDER = (\w+)/.exec(definition)?.[1]) ?? 'libc';
  const both = read('LOCALE');
  const order = provider === 'libc' ? read('LC_COLLATE') ?? both : read(`${provider.toUpperCase()}_LOCALE`) ?? both;
  if (order === undefined) return undefined;
  const characters = provider === 'libc' ? read('LC_CTYPE') ?? both : undefined;
  return { provider, name: order, characters: characters === order ? undefined : characters, hasRules: read('ICU_RULES') !== undefined };
}

/** What the new database should have, and in what that would still be another locale than the source's. */
export interface LocaleWish {
  readonly locale: Locale;
  /** Another one of the same order, for servers that do not have the first. */
  readonly other: Locale | undefined;
  /** Undefined if text will be sorted as it is there. */
  readonly change: string | undefined;
}

/** Finds the locale in UTF-8 that sorts as the source does. */
export function wishLocale(source: SourceLocale): LocaleWish {
  const { provider, name, characters, hasRules } = source;
  if (provider !== 'libc') {
    const change = hasRules ? 'it adds rules of its own to the order, which are not carried' : undefined;
    // PostgreSQL's own locales sort by code point, as these two of the system's do.
    const isPlain = provider === 'builtin' && (name === 'C' || name === 'C.UTF-8');
    return { locale: canonicalLocale(source) ?? { provider, name }, other: isPlain ? { provider: 'libc', name } : undefined, change };
  }
  const order = inUtf8(name);
  // Bytes and code points have the same order in UTF-8; only this one knows letters beyond ASCII.
  if (order === 'C' && characters !== undefined && inUtf8(characters) !== 'C') {
    return { locale: { provider, name: DEFAULT_LOCALES.libc }, other: undefined, change: undefined };
  }
  const differs = characters !== undefined && inUtf8(characters) !== order;
  return {
    locale: { provider, name: order },
    other: undefined,
    change: differs ? `it tells letters from each other by ${characters}, for upper(), lower() and patterns` : undefined,
  };
}

/** Every database here is in UTF-8: the same language's order in that encoding. */
function inUtf8(name: string): string {
  const canonical = canonicalLocale({ provider: 'libc', name })?.name ?? name;
  if (canonical === 'C' || canonical.includes('.UTF-8')) return canonical;
  const [, place, modifier = ''] = /^([a-z]{2,3}_[A-Z]{2})(?:\.[A-Za-z0-9-]+)?(@[a-z]+)?$/.exec(canonical) ?? [];
  return place === undefined ? canonical : `${place}.UTF-8${modifier === '@euro' ? '' : modifier}`;
}

/** The locale that was asked for in place of the source's own; undefined if none was. */
export function givenLocale(name: string | undefined, provider: LocaleProvider | undefined): Locale | undefined {
  if (name === undefined && provider === undefined) return undefined;
  const given = { provider: provider ?? 'libc', name: name ?? DEFAULT_LOCALES[provider ?? 'libc'] };
  return canonicalLocale(given) ?? given;
}

export const describeLocale = ({ provider, name }: Locale): string => `${provider} ${name}`;

export const isSameLocale = (one: Locale, other: Locale): boolean => one.provider === other.provider && one.name === other.name;
