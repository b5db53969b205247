/** A PostgreSQL whose programs lie in one directory. */
export interface FoundPostgres {
  readonly directory: string;
  readonly major: number;
  /** Such as `15.18`; `0.0` for what is no release, such as a beta. */
  readonly version: string;
  /** Programs that the fleet runs and that are not there. */
  readonly missing: readonly string[];
}

export type Version = readonly [major: number, minor: number];

interface KnownMajor {
  /**
   * The first minor in which a backend cannot skip the wait for its standby just after a start (`protocol.md`, "PostgreSQL
   * facts", read in the release notes).
   */
  readonly firstSoundMinor: number;
  /** The first pgBackRest that knows the major's final release, by its release notes. */
  readonly backrest: Version;
}

/** The majors that the fleet was tried with. */
const KNOWN: ReadonlyMap<number, KnownMajor> = new Map([
  [15, { firstSoundMinor: 13, backrest: [2, 41] }],
  [16, { firstSoundMinor: 9, backrest: [2, 48] }],
  [17, { firstSoundMinor: 5, backrest: [2, 54] }],
  [18, { firstSoundMinor: 0, backrest: [2, 57] }],
]);
const OLDEST = Math.min(...KNOWN.keys());
const NEWEST = Math.max(...KNOWN.keys());

/** Programs by the Debian package that has them. */
const SERVER_PROGRAMS = ['initdb', 'postgres', 'pg_ctl', 'pg_rewind', 'pg_controldata', 'pg_waldump'];
const CLIENT_PROGRAMS = ['psql', 'pg_basebackup', 'pg_dump', 'pg_restore', 'pg_isready', 'pg_amcheck'];
export const POSTGRES_PROGRAMS: readonly string[] = [...SERVER_PROGRAMS, ...CLIENT_PROGRAMS];

/** Whether a version, such as `15.18`, keeps the promises of synchronous replication. */
export function isSound(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major >= OLDEST && minor >= (KNOWN.get(major)?.firstSoundMinor ?? 0);
}

/** Why no cluster of that major can be run with these programs, and what to do; undefined if it can. */
export function faultOf({ directory, major, version, missing }: FoundPostgres): string | undefined {
  if (missing.length > 0) {
    const packages = [SERVER_PROGRAMS, CLIENT_PROGRAMS].map((programs, at) =>
      missing.some((name) => programs.includes(name)) ? `${PACKAGES[at]}-${major}` : '',
    );
    return `postgresql ${major} in ${directory} is not complete, ${missing.join(', ')} missing: `
      + `apt-get install ${packages.filter(Boolean).join(' ')}`;
  }
  if (version === UNRELEASED) return `postgresql ${major} in ${directory} is no release: install a released version`;
  if (!isSound(version)) return `postgresql ${version} in ${directory} is too old: install ${SOUND}, or newer`;
  return undefined;
}

/** Why clusters of a major cannot be run with what was found, and what to do; undefined if they can. */
export function faultOfMajor(found: readonly FoundPostgres[], major: number): string | undefined {
  const candidate = newestFirst(found).find((one) => one.major === major);
  return candidate ? faultOf(candidate) : `postgresql ${major} is not installed: apt-get install postgresql-${major}`;
}

export const UNRELEASED = '0.0';
const PACKAGES = ['postgresql', 'postgresql-client'];
const SOUND = [...KNOWN].map(([major, { firstSoundMinor }]) => `${major}.${firstSoundMinor}`).join(', ');

/** Why no new database is made with these programs; undefined if it can be. */
export function faultForNew(found: FoundPostgres, backrest: Version): string | undefined {
  const fault = faultOf(found);
  if (fault !== undefined) return fault;
  const known = KNOWN.get(found.major);
  if (known === undefined) {
    return `postgresql ${found.major} is newer than this Freehold was tried with: install postgresql-${NEWEST} or older beside it`;
  }
  if (isOlder(backrest, known.backrest)) {
    return `pgbackrest ${backrest.join('.')} does not know postgresql ${found.major}: `
      + `install pgbackrest ${known.backrest.join('.')} or newer`;
  }
  return undefined;
}

/** The newest major of which new databases can be made, and why each newer one is passed over. */
export function chooseForNew(
  found: readonly FoundPostgres[], backrest: Version,
): { readonly chosen: FoundPostgres | undefined; readonly passedOver: readonly string[] } {
  const passedOver: string[] = [];
  for (const candidate of newestFirst(found)) {
    const fault = faultForNew(candidate, backrest);
    if (fault === undefined) return { chosen: candidate, passedOver };
    passedOver.push(fault);
  }
  return { chosen: undefined, passedOver };
}

/** One of each major, the newest major first: a complete one if there is one, else that found first. */
export function newestFirst(found: readonly FoundPostgres[]): FoundPostgres[] {
  const majors = [...new Set(found.map(({ major }) => major))].filter((major) => major >= OLDEST).sort((one, other) => other - one);
  return majors.flatMap((major) => {
    const same = found.filter((candidate) => candidate.major === major);
    return same.find((candidate) => faultOf(candidate) === undefined) ?? same.slice(0, 1);
  });
}

export function isOlder([major, minor]: Version, [otherMajor, otherMinor]: Version): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** The first number with a dot in what a program says of its version. */
export function readVersion(text: string): Version {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}
