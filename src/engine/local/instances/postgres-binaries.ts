import { EngineError } from '../../errors.js';
import type { HostShell } from '../host-shell/host-shell.js';

export interface PostgresBinaries {
  readonly directory: string;
  /** Such as `15.18`. */
  readonly version: string;
}

const PACKAGED = '/usr/lib/postgresql';

/**
 * The first minor of each major in which a backend cannot skip the wait for its standby just after a start
 * (`protocol.md`, "PostgreSQL facts", read in the release notes). Later majors never had the fault.
 */
const FIRST_SOUND_MINOR: ReadonlyMap<number, number> = new Map([[15, 13], [16, 9], [17, 5]]);
const OLDEST_MAJOR = 15;

/** Whether a version, such as `15.18`, keeps the promises of synchronous replication. */
export function isSound(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major >= OLDEST_MAJOR && minor >= (FIRST_SOUND_MINOR.get(major) ?? 0);
}

/**
 * Finds the newest packaged PostgreSQL, or else the one on the path.
 *
 * @throws EngineError `permanent` if there is none, or its minor is too old.
 */
export async function findPostgresBinaries(shell: HostShell): Promise<PostgresBinaries> {
  const directory = (await findPackaged(shell)) ?? (await findOnPath(shell));
  if (directory === undefined) throw new EngineError('permanent', 'postgresql is not installed', 'apt-get install postgresql');
  const { stdout } = await shell.run([`${directory}/postgres`, '--version']);
  const version = /(\d+\.\d+)/.exec(stdout)?.[1] ?? '0.0';
  if (!isSound(version)) {
    throw new EngineError('permanent', `postgresql ${version} in ${directory} is too old`, 'install 15.13, 16.9, 17.5 or newer');
  }
  return { directory, version };
}

async function findPackaged(shell: HostShell): Promise<string | undefined> {
  const majors = (await shell.list(PACKAGED)).map(Number).filter(Number.isInteger).sort((a, b) => b - a);
  for (const major of majors) {
    if (await shell.exists(`${PACKAGED}/${major}/bin/initdb`)) return `${PACKAGED}/${major}/bin`;
  }
  return undefined;
}

async function findOnPath(shell: HostShell): Promise<string | undefined> {
  const { code, stdout } = await shell.run(['/bin/sh', '-c', 'command -v initdb']);
  return code === 0 ? stdout.trim().replace(/\/initdb$/, '') : undefined;
}
