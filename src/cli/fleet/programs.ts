import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { CliError } from '../cli-error.js';

const execute = promisify(execFile);

/** Where the programs of a control plane's own servers are. */
export interface Programs {
  /** Folders of PostgreSQL server programs by major version, newest first. */
  readonly postgres: ReadonlyMap<number, string>;
  readonly redisServer: string | undefined;
}

interface Need {
  readonly program: string;
  /** The Debian and Ubuntu package. */
  readonly package: string;
  readonly from: readonly [major: number, minor: number];
}

/** The oldest versions that the fleet was made for. The engine looks at the minor of PostgreSQL, too. */
const OLDEST_POSTGRES_MAJOR = 15;
const REDIS: Need = { program: 'redis-server', package: 'redis-server', from: [6, 0] };
const NEEDS: readonly Need[] = [
  { program: 'pgbouncer', package: 'pgbouncer', from: [1, 18] },
  { program: 'pgbackrest', package: 'pgbackrest', from: [2, 40] },
  { program: 'psql', package: 'postgresql-client', from: [OLDEST_POSTGRES_MAJOR, 0] },
];
const SERVER_PROGRAMS = ['initdb', 'postgres', 'pg_ctl', 'pg_basebackup', 'pg_rewind', 'pg_controldata', 'pg_dump'];
/** Debian keeps a server's programs out of PATH, one folder a major version. */
const SERVERS = '/usr/lib/postgresql';

/**
 * Finds the programs that the fleet runs.
 *
 * @throws CliError that lists everything missing or too old at once, with the command that installs it.
 */
export async function findPrograms(path: string, needsRedis: boolean): Promise<Programs> {
  const folders = [...path.split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const postgres = await findServers(folders);
  const needs = needsRedis ? [...NEEDS, REDIS] : NEEDS;
  const newest = postgres.values().next().value;
  const faults = await Promise.all(needs.map((need) => findFault(need, newest === undefined ? folders : [newest, ...folders])));
  const missing = faults.filter((fault) => fault !== undefined);
  if (postgres.size === 0) missing.unshift({ what: `${SERVER_PROGRAMS.join(', ')} (PostgreSQL ${OLDEST_POSTGRES_MAJOR} or newer)`, package: 'postgresql' });
  if (missing.length > 0) throw missingPrograms(missing);
  return { postgres, redisServer: find('redis-server', folders) };
}

function findServers(folders: readonly string[]): Promise<Map<number, string>> {
  return findPostgresFolders(folders, SERVER_PROGRAMS, 'postgres');
}

/**
 * The folders that hold all of some programs of PostgreSQL, by major version, newest first; Debian's own are looked at first.
 *
 * @param asked the one of them whose version is that of the folder
 */
export async function findPostgresFolders(folders: readonly string[], programs: readonly string[], asked: string): Promise<Map<number, string>> {
  const packaged = existsSync(SERVERS) ? readdirSync(SERVERS).map((major) => join(SERVERS, major, 'bin')) : [];
  const candidates = [...packaged, ...folders].filter((folder) => programs.every((program) => find(program, [folder])));
  const found = await Promise.all([...new Set(candidates)].map(async (folder) => ({ folder, version: await askVersion(join(folder, asked)) })));
  const newEnough = found.filter(({ version }) => version[0] >= OLDEST_POSTGRES_MAJOR).sort((one, other) => other.version[0] - one.version[0]);
  return new Map(newEnough.map(({ folder, version }) => [version[0], folder]));
}

async function findFault(need: Need, folders: readonly string[]): Promise<{ what: string; package: string } | undefined> {
  const [major, minor] = need.from;
  const program = find(need.program, folders);
  if (program === undefined) return { what: `${need.program} (${major}.${minor} or newer)`, package: need.package };
  const version = await askVersion(program);
  const isOld = version[0] < major || (version[0] === major && version[1] < minor);
  return isOld ? { what: `${need.program} ${major}.${minor} or newer (${program} is ${version.join('.')})`, package: need.package } : undefined;
}

function missingPrograms(missing: readonly { what: string; package: string }[]): CliError {
  const packages = [...new Set(missing.map((fault) => fault.package))].join(' ');
  const lines = missing.map((fault) => `  ${fault.what}`);
  return new CliError(['these programs are missing or too old:', ...lines, `on Debian or Ubuntu, as root: apt-get install ${packages}`].join('\n'));
}

async function askVersion(program: string): Promise<[number, number]> {
  const version = program.endsWith('pgbackrest') ? ['version'] : ['--version'];
  const { stdout } = await execute(program, version, { timeout: 5_000 }).catch(() => ({ stdout: '' }));
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? /(\d+)/.exec(stdout) ?? [];
  return [Number(major), Number(minor)];
}

function find(program: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
