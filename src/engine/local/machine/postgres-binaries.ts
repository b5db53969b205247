import { EngineError } from '../../errors.js';
import type { HostShell } from './host-shell.js';
import {
  chooseForNew, faultOf, faultOfMajor, newestFirst, POSTGRES_PROGRAMS, readVersion, UNRELEASED, type FoundPostgres, type Version,
} from './judge-postgres.js';

/** The programs of one major version of PostgreSQL. */
export interface PostgresBinaries {
  readonly directory: string;
  readonly major: number;
  /** Such as `15.18`. */
  readonly version: string;
}

/** Debian keeps a server's programs out of PATH, one folder a major version. */
const PACKAGED = '/usr/lib/postgresql';

/** Where to look, if not where a machine has its programs. */
interface Places {
  /** Holds a folder a major. */
  readonly packaged: string;
  readonly path: readonly string[];
  /** The pgBackRest that there is. */
  readonly backrest?: Version;
}

/**
 * The PostgreSQLs of a machine. Which one runs a cluster is told by the cluster's own `PG_VERSION`, never by what else is
 * installed: no major reads another's files.
 */
export class PostgresInstallations {
  private constructor(
    private readonly shell: HostShell,
    private readonly places: Places,
    private found: readonly FoundPostgres[],
    private readonly backrest: Version,
  ) {}

  /** @throws EngineError `permanent` if no PostgreSQL is there that could run anything. */
  static async find(shell: HostShell, chosen?: Places): Promise<PostgresInstallations> {
    const places = chosen ?? { packaged: PACKAGED, path: await readPath(shell) };
    const [found, backrest] = await Promise.all([findAll(shell, places), places.backrest ?? askVersion(shell, 'pgbackrest', 'version')]);
    const installations = new PostgresInstallations(shell, places, found, backrest);
    if (installations.usable().length > 0) return installations;
    const faults = newestFirst(found).map((candidate) => faultOf(candidate) ?? '');
    throw new EngineError(
      'permanent', faults.join('; ') || 'postgresql is not installed', faults.length > 0 ? undefined : 'apt-get install postgresql',
    );
  }

  /** Those that can run clusters of their major, the newest first. */
  usable(): PostgresBinaries[] {
    return newestFirst(this.found).filter((candidate) => faultOf(candidate) === undefined);
  }

  /** Client programs that speak with servers of any major that is here. */
  get clients(): PostgresBinaries {
    const [newest] = this.usable();
    if (!newest) throw new EngineError('permanent', 'postgresql is not installed', 'apt-get install postgresql');
    return newest;
  }

  /**
   * What new clusters are made with: the newest that is complete, and that pgBackRest knows.
   *
   * @throws EngineError `transient` with what is wrong with each, since it passes when that is installed.
   */
  forNew(): PostgresBinaries {
    const { chosen, passedOver } = this.choose();
    if (!chosen) throw new EngineError('transient', `no database can be made: ${passedOver.join('; ')}`);
    return chosen;
  }

  /** The same, with why newer majors that are installed are not used. */
  choose(): { readonly chosen: PostgresBinaries | undefined; readonly passedOver: readonly string[] } {
    return chooseForNew(this.found, this.backrest);
  }

  /**
   * The programs for clusters of a major. If they are not known they are looked for again: somebody may have installed them.
   *
   * @throws EngineError `transient` if they are not there or too old, since that passes when they are installed.
   */
  async ofMajor(major: number): Promise<PostgresBinaries> {
    const known = this.usable().find((candidate) => candidate.major === major);
    if (known && (await this.shell.exists(`${known.directory}/postgres`))) return known;
    this.found = await findAll(this.shell, this.places);
    const installed = this.usable().find((candidate) => candidate.major === major);
    if (installed) return installed;
    throw new EngineError('transient', `a cluster of postgresql ${major} cannot be run: ${this.faultOf(major) ?? ''}`);
  }

  /** Why clusters of a major cannot be run, and what to do; undefined if they can. */
  faultOf(major: number): string | undefined {
    return faultOfMajor(this.found, major);
  }
}

async function readPath(shell: HostShell): Promise<string[]> {
  const { stdout } = await shell.run(['/bin/sh', '-c', 'echo "$PATH"']);
  return stdout.trim().split(':').filter(Boolean);
}

async function findAll(shell: HostShell, { packaged, path }: Places): Promise<FoundPostgres[]> {
  const folders = [...new Set([...(await shell.list(packaged)).map((major) => `${packaged}/${major}/bin`), ...path])];
  const found = await Promise.all(folders.map((folder) => lookInto(shell, folder)));
  return found.flatMap((candidate) => candidate ?? []);
}

/** The PostgreSQL that a folder holds; undefined if there is no server in it. */
async function lookInto(shell: HostShell, directory: string): Promise<FoundPostgres | undefined> {
  if (!(await shell.exists(`${directory}/postgres`))) return undefined;
  const { stdout } = await shell.run([`${directory}/postgres`, '--version']).catch(() => ({ stdout: '' }));
  const major = Number(/(\d+)/.exec(stdout)?.[1] ?? 0);
  const [release, minor] = readVersion(stdout.replace(/\(.*?\)/g, ''));
  const isThere = await Promise.all(POSTGRES_PROGRAMS.map((program) => shell.exists(`${directory}/${program}`)));
  return {
    directory,
    major,
    version: release === major ? `${release}.${minor}` : UNRELEASED,
    missing: POSTGRES_PROGRAMS.filter((_, at) => !isThere[at]),
  };
}

async function askVersion(shell: HostShell, ...words: string[]): Promise<Version> {
  const { stdout } = await shell.run(words).catch(() => ({ stdout: '' }));
  return readVersion(stdout);
}
