export type ProgramVersion = readonly [major: number, minor: number, patch: number];

/** Whether a program may be used. If not, the faults say why; if so, what it lacks, which is to be said at each start. */
export interface Judgement {
  readonly use: boolean;
  readonly faults: readonly string[];
}

const OLDEST_POOLER: ProgramVersion = [1, 22, 0];
/** The first without a known fault that matters here, and the newest that was tried. */
const SOUND_POOLER: ProgramVersion = [1, 26, 1];
const OLDEST_ROUTER: ProgramVersion = [2, 6, 0];

interface PoolerFault {
  readonly fixedIn: ProgramVersion;
  readonly what: string;
}

/**
 * What PgBouncer's own changelog says of versions that are used, as far as a pooler of one database can be hurt by it.
 *
 * Not here, for the pooler's settings rule them out: CVE-2026-107348 (a `max_packet_size` above 2 GB), CVE-2025-12819 (an
 * `auth_query` without schemas), CVE-2025-2291 (one that ignores `VALID UNTIL`); nor what only a hostile server can do to the
 * pooler of its own database: CVE-2026-6665, -6666, -6669.
 */
const POOLER_FAULTS: readonly PoolerFault[] = [
  { fixedIn: [1, 22, 1], what: 'COPY FROM STDIN leaks memory and confuses prepared statements' },
  { fixedIn: [1, 23, 1], what: 'it can crash at prepared statements (put_in_order)' },
  { fixedIn: [1, 24, 0], what: "it has no limit for the clients of one user: one role can take all of its database's" },
  { fixedIn: [1, 25, 0], what: 'a cancel request can end it, with every session of its database' },
  { fixedIn: [1, 25, 2], what: 'anybody who reaches its port can crash it without a password (CVE-2026-6664)' },
  {
    fixedIn: [1, 26, 0],
    what: 'settings that a client gives at log-in (options, search_path, statement_timeout) are dropped without a word',
  },
  {
    fixedIn: [1, 26, 0],
    what: 'anybody who reaches its port can crash it or make it hang without a password (CVE-2026-19888, CVE-2026-6668)',
  },
  { fixedIn: [1, 26, 0], what: 'prepared statements that are made and closed in one batch are answered in the wrong order' },
  { fixedIn: [1, 26, 1], what: 'a user of its auth_file can log in as another one (CVE-2026-107350)' },
  {
    fixedIn: [1, 26, 1],
    what: 'anybody who reaches its port can make it hang if it ignores some startup settings but not options (CVE-2026-107349)',
  },
];

/**
 * Judges a PgBouncer by what it says its version is.
 *
 * A distribution may have mended a hole without changing that version, which cannot be seen from here: the faults say so.
 */
export function judgePooler(version: ProgramVersion): Judgement {
  const name = `pgbouncer ${version.join('.')}`;
  if (isBefore(version, OLDEST_POOLER))
    return { use: false, faults: [`${name} is too old, ${whyTooOld(version)}: install ${SOUND_POOLER.join('.')} or newer`] };
  if (isMinorAfter(version, SOUND_POOLER))
    return { use: true, faults: [`${name} is newer than this Freehold was tried with (${SOUND_POOLER.slice(0, 2).join('.')})`] };
  const open = POOLER_FAULTS.filter(({ fixedIn }) => isBefore(version, fixedIn));
  return {
    use: true,
    faults: open.map(({ fixedIn, what }) => `${name}: ${what}; ${fixedIn.join('.')} mends it, unless the distribution has`),
  };
}

function whyTooOld(version: ProgramVersion): string {
  const statements = isBefore(version, [1, 21, 0])
    ? "it knows no prepared statements, so that clients get each other's answers"
    : 'DISCARD ALL and COPY break its prepared statements';
  return `${statements}, and anybody who reaches its port can crash it without a password (CVE-2026-6664, CVE-2026-19888)`;
}

/** Judges a HAProxy by its version and by whether it was built with Lua, in which the router's command is written. */
export function judgeRouter(version: ProgramVersion, hasLua: boolean): Judgement {
  const name = `haproxy ${version.join('.')}`;
  if (isBefore(version, OLDEST_ROUTER))
    return { use: false, faults: [`${name} is too old: install ${OLDEST_ROUTER.slice(0, 2).join('.')} or newer`] };
  if (!hasLua) return { use: false, faults: [`${name} was built without Lua: install one that has it, as those of Debian and Ubuntu do`] };
  return { use: true, faults: [] };
}

/** The first number with a dot in what a program prints of its version; undefined if there is none. */
export function readProgramVersion(text: string): ProgramVersion | undefined {
  const [, major, minor, patch = '0'] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return major !== undefined && minor !== undefined ? [Number(major), Number(minor), Number(patch)] : undefined;
}

export function isBefore(version: ProgramVersion, other: ProgramVersion): boolean {
  const at = version.findIndex((number, index) => number !== other[index]);
  return at >= 0 && (version[at] ?? 0) < (other[at] ?? 0);
}

function isMinorAfter([major, minor]: ProgramVersion, [otherMajor, otherMinor]: ProgramVersion): boolean {
  return isBefore([otherMajor, otherMinor, 0], [major, minor, 0]);
}
