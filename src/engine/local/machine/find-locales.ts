import type { LocaleOffer } from '../../ports.js';
import type { HostShell } from './host-shell.js';
import type { PostgresBinaries } from './postgres-binaries.js';

/** What PostgreSQL's own provider knows, by the first major version that does. */
const BUILTIN: readonly (readonly [major: number, name: string])[] = [[17, 'C'], [17, 'C.UTF-8'], [18, 'PG_UNICODE_FAST']];
/** From this version on it is built with ICU unless it is told not to. */
const ICU_BY_DEFAULT = 16;

/** All locales that glibc has are named in a tenth of that. */
const LONGEST_ANSWER_BYTES = 256 * 1_024;

/** Asks the machine, which all hosts of the embedded fleet share, what its databases can sort text by. */
export async function findLocales(shell: HostShell, { directory, major }: PostgresBinaries): Promise<LocaleOffer> {
  const ask = (words: readonly string[]): Promise<string | undefined> => shell.run(words, { outputBytes: LONGEST_ANSWER_BYTES })
    .then(({ code, stdout }) => (code === 0 ? stdout : undefined), () => undefined);
  const [listed = '', configured] = await Promise.all([ask(['locale', '-a']), ask([`${directory}/pg_config`, '--configure'])]);
  return {
    libc: listLibc(listed),
    // Where nothing tells, initdb does, in the operation that makes the database.
    icu: configured === undefined || (major >= ICU_BY_DEFAULT ? !configured.includes('--without-icu') : configured.includes('--with-icu')),
    builtin: BUILTIN.filter(([since]) => major >= since).map(([, name]) => name),
  };
}

/** Those of `locale -a` that a database in UTF-8 can have; `C` and `C.UTF-8` are on every system that runs one. */
export function listLibc(listing: string): string[] {
  const named = listing.split('\n').map((line) => line.trim()).filter((name) => /\.utf-?8(?:@|$)/i.test(name));
  return [...new Set(['C', 'C.UTF-8', ...named.map((name) => name.replace(/\.utf-?8/i, '.UTF-8')).sort()])];
}
