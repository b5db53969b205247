import { canonicalLocale, DEFAULT_LOCALES, type Locale, type LocaleProvider } from '../config/locale-names.js';
import type { LocaleOffer } from '../engine/ports.js';
import { LocaleNotAvailableError } from './database-errors.js';

/** What a request says of the locale; either may be left out. */
export interface AskedLocale {
  readonly locale?: string | undefined;
  readonly provider?: LocaleProvider | undefined;
}

export const DEFAULT_LOCALE: Locale = { provider: 'libc', name: DEFAULT_LOCALES.libc };

/**
 * The locale that a new database gets.
 *
 * @throws LocaleNotAvailableError if the servers do not have it
 */
export function chooseLocale({ locale, provider = 'libc' }: AskedLocale, offer: LocaleOffer): Locale {
  const asked = locale ?? DEFAULT_LOCALES[provider];
  const chosen = canonicalLocale({ provider, name: asked });
  if (!chosen || !isOffered(chosen, offer)) throw new LocaleNotAvailableError({ provider, name: asked }, offer);
  return chosen;
}

function isOffered({ provider, name }: Locale, { libc, icu, builtin }: LocaleOffer): boolean {
  if (provider === 'icu') return icu && (name === 'und' || Intl.Collator.supportedLocalesOf([name]).length > 0);
  return (provider === 'libc' ? libc : builtin).some((offered) => canonicalLocale({ provider, name: offered })?.name === name);
}
