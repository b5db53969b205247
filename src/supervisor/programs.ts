import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { reasonOf } from '../base/reason-of.js';
import { findHomeless, findLocalPostgres, surveyGatewayPrograms, type LocalPostgres } from '../engine/engine.js';
import { CliError } from '../cli/cli-error.js';
import { isHole, listPackageHoles } from './harden/look-at-host.js';
import { judgeVersion, type Judgement, type Need } from './judge-version.js';

const execute = promisify(execFile);

/** Where the programs of a control plane's own servers are. */
export interface Programs {
  readonly postgres: LocalPostgres;
  readonly redisServer: string | undefined;
  /** A line for each program whose version is likely to work, and was not tried, and for each known hole. */
  readonly warnings: readonly string[];
  /** The known holes among them. */
  readonly holes: readonly string[];
}

/**
 * The oldest versions that the fleet was made for, and the newest that it was tried with. The engine judges PostgreSQL and
 * the gateway's.
 */
const NEEDS: readonly Need[] = [
  { program: 'pgbackrest', package: 'pgbackrest', from: [2, 41], upTo: [2, 60] },
];
const REDIS: Need = { program: 'redis-server', package: 'redis-server', from: [6, 0], upTo: [8, 9] };
const OLDEST_POSTGRES_MAJOR = 15;
/** Debian keeps a server's programs out of PATH, one folder a major version. */
const SERVERS = '/usr/lib/postgresql';

/**
 * Finds the programs that the fleet runs.
 *
 * @throws CliError that lists everything missing or too old at once, with the command that installs it.
 */
export async function findPrograms(path: string, needsRedis: boolean): Promise<Programs> {
  const folders = [...path.split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const needs = needsRedis ? [...NEEDS, REDIS] : NEEDS;
  const [packageHoles, postgres, gateway, ...judgements] = await Promise.all([
    listPackageHoles(),
    findLocalPostgres().catch((error: unknown) => ({ fault: `${reasonOf(error)} (PostgreSQL ${OLDEST_POSTGRES_MAJOR} or newer)` })),
    surveyGatewayPrograms(),
    ...needs.map((need) => judgeProgram(need, folders)),
  ]);
  const faults = [
    ...judgements.flatMap((judgement, at) => ('fault' in judgement ? [{ what: judgement.fault, package: needs[at]?.package }] : [])),
    ...gateway.missing.map((what) => ({ what, package: undefined })),
  ];
  if ('fault' in postgres) throw missingPrograms([{ what: postgres.fault, package: 'postgresql' }, ...faults]);
  if (faults.length > 0) throw missingPrograms(faults);
  const warnings = [
    ...postgres.passedOver.map((fault) => `new databases do not use it: ${fault}`),
    ...judgements.flatMap((judgement) => ('warning' in judgement ? [judgement.warning] : [])),
    ...gateway.faults,
    ...packageHoles,
  ];
  return { postgres, redisServer: find('redis-server', folders), warnings, holes: [...gateway.faults.filter(isHole), ...packageHoles] };
}

/** @throws CliError if a fleet that serves real customers would run programs with known holes */
export function refuseHoles({ holes }: Pick<Programs, 'holes'>, isProduction: boolean): void {
  if (!isProduction || holes.length === 0) return;
  throw new CliError([
    'programs of this machine have known holes, with which FREEHOLD_PRODUCTION=true does not start:', ...holes.map((hole) => `  ${hole}`),
    'install their updates: apt-get update && apt-get upgrade',
  ].join('\n'));
}

/** Which databases of a fleet cannot be brought back with what is installed, and what to install. */
export async function describeHomeless(root: string, postgres: LocalPostgres): Promise<string[]> {
  const homeless = await findHomeless(root, postgres);
  return [...homeless].map(([major, databases]) => `${databases.join(', ')} cannot be brought back: ${postgres.faultOf(major) ?? ''}`);
}

async function judgeProgram(need: Need, folders: readonly string[]): Promise<Judgement> {
  const path = find(need.program, folders);
  return judgeVersion(need, path === undefined ? undefined : { path, version: await askVersion(path) });
}

/**
 * The folders that hold all of some programs of PostgreSQL, by major version, newest first; Debian's own are looked at first.
 *
 * @param asked the one of them whose version is that of the folder
 */
export async function findPostgresFolders(
  folders: readonly string[], programs: readonly string[], asked: string,
): Promise<Map<number, string>> {
  const packaged = existsSync(SERVERS) ? readdirSync(SERVERS).map((major) => join(SERVERS, major, 'bin')) : [];
  const candidates = [...packaged, ...folders].filter((folder) => programs.every((program) => find(program, [folder])));
  const found = await Promise.all(
    [...new Set(candidates)].map(async (folder) => ({ folder, version: await askVersion(join(folder, asked)) })),
  );
  const newEnough = found
    .filter(({ version }) => version[0] >= OLDEST_POSTGRES_MAJOR)
    .sort((one, other) => other.version[0] - one.version[0]);
  return new Map(newEnough.map(({ folder, version }) => [version[0], folder]));
}

/** @param missing with the package of it, unless the words themselves say how to get it */
function missingPrograms(missing: readonly { what: string; package: string | undefined }[]): CliError {
  const packages = [...new Set(missing.flatMap((fault) => fault.package ?? []))];
  const lines = missing.map((fault) => `  ${fault.what}`);
  const advice = packages.length > 0 ? [`on Debian or Ubuntu, as root: apt-get install ${packages.join(' ')}`] : [];
  return new CliError(['these programs are missing or too old:', ...lines, ...advice].join('\n'));
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
