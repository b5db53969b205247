export const LOCALE_PROVIDERS = ['libc', 'icu', 'builtin'] as const;
export type LocaleProvider = (typeof LOCALE_PROVIDERS)[number];

/** By what a database sorts text and tells letters from each other. */
export interface Locale {
  readonly provider: LocaleProvider;
  readonly name: string;
}

/** What a database has of which nothing was said: it sorts by code point, the same on every machine and in every version. */
export const DEFAULT_LOCALES: Readonly<Record<LocaleProvider, string>> = { libc: 'C.UTF-8', icu: 'und', builtin: 'C.UTF-8' };

/** Gives a locale the one name by which it is compared and stored; undefined if no provider could know it. */
export function canonicalLocale({ provider, name }: Locale): Locale | undefined {
  const canonical = provider === 'icu' ? canonicalIcu(name) : canonicalLibc(name);
  return canonical === undefined ? undefined : { provider, name: canonical };
}

/** `en_US.utf8` and `en_US.UTF-8` are one; so are `C` and `POSIX`. */
function canonicalLibc(name: string): string | undefined {
  const [, place, charset, modifier = ''] = /^([A-Za-z_]+)(\.[A-Za-z0-9-]+)?(@[A-Za-z]+)?$/.exec(name) ?? [];
  if (place === undefined) return undefined;
  if (charset === undefined) return place === 'POSIX' ? 'C' : `${place}${modifier}`;
  return `${place}${/^\.utf-?8$/i.test(charset) ? '.UTF-8' : charset}${modifier}`;
}

/** A language tag of BCP 47; `de-DE-x-icu` is what PostgreSQL calls the collation, and `und` belongs to no language. */
function canonicalIcu(name: string): string | undefined {
  const tag = name.replace(/-x-icu$/, '').replaceAll('_', '-');
  if (/^(?:|root|und)$/i.test(tag)) return 'und';
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}
