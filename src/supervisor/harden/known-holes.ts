/** A hole of a program that the fleet runs, and the versions that mend it. */
export interface KnownHole {
  readonly id: string;
  /** The Debian package. */
  readonly package: string;
  readonly what: string;
  /**
   * The first package of each release of Debian that mends it: a distribution mends holes without changing the program's own version,
   * so that nothing but the package's tells. Read in the packages' changelogs.
   */
  readonly mendedIn: readonly string[];
}

/** An installed package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
}

const REDIS = 'redis-server';

/**
 * What is known of Redis and HAProxy on Debian 12, whose packages stay at one version of the program; as of November 2026. PgBouncer's
 * holes are in `engine/local/gateway/judge-programs.ts`, by the program's own versions. pgBackRest's package has none that is known.
 */
const HOLES: readonly KnownHole[] = [
  { id: 'CVE-2026-33555', package: 'haproxy', what: 'request smuggling over HTTP/3', mendedIn: ['2.6.12-1+deb12u4'] },
  { id: 'CVE-2025-11230', package: 'haproxy', what: 'numbers in JSON can stop it', mendedIn: ['2.6.12-1+deb12u3'] },
  { id: 'CVE-2025-32464', package: 'haproxy', what: 'an overflow in a converter of samples', mendedIn: ['2.6.12-1+deb12u2'] },
  { id: 'CVE-2026-81934', package: REDIS, what: 'code of anybody who reaches its TLS port', mendedIn: ['5:7.0.15-1~deb12u10'] },
  { id: 'CVE-2026-66373', package: REDIS, what: 'code of a client with a password, by RESTORE', mendedIn: ['5:7.0.15-1~deb12u9'] },
  { id: 'CVE-2026-25243', package: REDIS, what: 'code of a client with a password, by RESTORE', mendedIn: ['5:7.0.15-1~deb12u8'] },
  { id: 'CVE-2025-67733', package: REDIS, what: 'answers that a script of a client can forge', mendedIn: ['5:7.0.15-1~deb12u7'] },
  { id: 'CVE-2025-49844', package: REDIS, what: 'code of a client with a password, by Lua', mendedIn: ['5:7.0.15-1~deb12u6'] },
];

/** PostgreSQL mends its holes in all majors on the same day: the minors of each, newest first, by the release notes. */
const POSTGRES_RELEASES: readonly { readonly minors: Readonly<Record<number, number>>; readonly holes: string }[] = [
  { minors: { 15: 18, 16: 14, 17: 10, 18: 4 }, holes: 'CVE-2026-6472 to -6479, CVE-2026-6637' },
  { minors: { 15: 16, 16: 12, 17: 8, 18: 2 }, holes: 'CVE-2026-2003 to -2006' },
  { minors: { 15: 15, 16: 11, 17: 7, 18: 1 }, holes: 'CVE-2025-12817, CVE-2025-12818' },
  { minors: { 15: 14, 16: 10, 17: 6 }, holes: 'CVE-2025-8713 to -8715' },
];

/**
 * The holes that an installed package has.
 *
 * @param isOlder whether one version of a package is older than another, by Debian's rules
 */
export function findHoles(installed: InstalledPackage, isOlder: (version: string, than: string) => boolean): KnownHole[] {
  const release = releaseOf(installed.version);
  return HOLES.filter(({ package: name, mendedIn }) => name === installed.name
    && mendedIn.some((mended) => releaseOf(mended) === release && isOlder(installed.version, mended)));
}

/** What of PostgreSQL's holes a version such as `15.17`, or `15.17-0+deb12u1`, has; undefined if none is known. */
export function findPostgresHoles(version: string): string | undefined {
  const [, major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const open = POSTGRES_RELEASES.filter(({ minors }) => minor < (minors[major] ?? 0));
  const [newest] = open;
  return newest && `${open.map(({ holes }) => holes).join(', ')}: ${major}.${newest.minors[major] ?? 0} mends them`;
}

/** Such as `deb12`: of another release of Debian nothing is told by comparing. */
const releaseOf = (version: string): string | undefined => /deb\d+/.exec(version)?.[0];
