import { existsSync, lstatSync, readFileSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { Database, Instance } from '../../../clients/typescript/src/client.js';
import { errorCode } from '../../base/error-code.js';
import { CliError } from '../cli-error.js';
import type { ControlDirectory } from '../../supervisor/control-directory.js';
import { fleetFile, gatewayDirectory, hostDirectory, mountPoint } from '../../engine/local/fleet/fleet-layout.js';
import { databaseDirectory, instancePaths } from '../../engine/local/fleet/instance-layout.js';
import { readText } from '../../engine/local/machine/files.js';
import { askUntil } from '../../base/ask-until.js';
import {
  findWorkingBelow, isAlive, leadToSame, listPids, nameProcess, readArguments, readWorkingDirectory, sendSignal, type ProcessName,
} from '../../engine/local/machine/processes.js';

/** The data directories and processes of a database, before a drill destroys them. */
export interface Remains {
  readonly homes: readonly string[];
  readonly processes: readonly ProcessName[];
}

const DEAD_WITHIN_MS = 10_000;

/** The processes of an embedded fleet, by its directory alone: a drill must not rely on what it is about to break. */
export class FleetMachine {
  constructor(private readonly directory: ControlDirectory) {}

  /** The directory by the path at which what is mounted below it is seen, see `openRuntimeRoot`. */
  private get root(): string {
    const { dataDir } = this.directory;
    const { id } = JSON.parse(readFileSync(fleetFile(dataDir), 'utf8')) as { readonly id: string };
    return leadToSame(mountPoint(id), dataDir) ? mountPoint(id) : dataDir;
  }

  /** @throws CliError if the database does not live in this directory. */
  requireHome({ id, instances }: Database): void {
    const missing = instances.find(({ host }) => !existsSync(databaseDirectory(this.directory.dataDir, host, id)));
    if (missing) {
      throw new CliError(
        `${id} does not live in ${this.directory.dataDir}: faults can be injected only on the machine of an embedded fleet; `
          + 'name its directory with --data-dir',
      );
    }
  }

  /**
   * The postmaster of an instance, and its children.
   *
   * @throws CliError if there is none
   */
  instanceProcesses({ id: databaseId }: Database, { id, host }: Instance): ProcessName[] {
    return this.requireSome(serversBelow(databaseDirectory(this.directory.dataDir, host, databaseId)), `instance ${id}`);
  }

  /**
   * All that a database has on this machine: what runs of each instance, its standbys first, and where its data is.
   *
   * @throws CliError if an instance is not where it should be, or does not run; then there is nothing to be destroyed
   */
  remainsOf(database: Database): Remains {
    this.requireHome(database);
    const instances = [...database.instances].sort((a, b) => Number(a.role === 'primary') - Number(b.role === 'primary'));
    const homes = instances.map((instance) => instancePaths(this.root, { ...instance, database }).home);
    const odd = homes.find((home) => !lstatSync(home, { throwIfNoEntry: false })?.isDirectory());
    if (odd !== undefined) throw new CliError(`${odd} is not a directory: nothing was destroyed`);
    return { homes, processes: instances.flatMap((instance) => this.instanceProcesses(database, instance)) };
  }

  /** Every server on a host, of all its databases. */
  hostProcesses(host: string): ProcessName[] {
    return this.requireSome(serversBelow(hostDirectory(this.directory.dataDir, host)), `host ${host}`);
  }

  /** A region's router, which is told its configuration on its command line. */
  gatewayProcess(region: string): ProcessName | undefined {
    const settings = join(gatewayDirectory(this.directory.dataDir, region), 'router/haproxy.cfg');
    return listPids()
      .filter((pid) => readArguments(pid).some((argument) => argument.endsWith('/haproxy.cfg') && leadToSame(argument, settings)))
      .flatMap((pid) => nameProcess(pid) ?? [])[0];
  }

  /** The worker that the fleet's supervisor has started last. */
  async workerProcess(): Promise<ProcessName | undefined> {
    const text = await readText(this.directory.pidFile('worker'));
    const worker = text === undefined ? undefined : (JSON.parse(text) as ProcessName);
    return worker && isAlive(worker) ? worker : undefined;
  }

  private requireSome(found: ProcessName[], what: string): ProcessName[] {
    if (found.length === 0) {
      throw new CliError(
        `${what} has no process in ${this.directory.dataDir} that this account can see: `
          + 'run the drill as root, or as the user who runs the fleet',
      );
    }
    return found;
  }
}

/** Sends a signal to processes; a pid that another process has been given since is left alone. */
export function signalAll(processes: readonly ProcessName[], signal: NodeJS.Signals): void {
  try {
    for (const process of processes) if (isAlive(process)) sendSignal(process.pid, signal);
  } catch (error) {
    if (errorCode(error) === 'EPERM') {
      throw new CliError('a process belongs to another account: run the drill as root, or as the user who runs the fleet');
    }
    throw error;
  }
}

/** A person's shell may stand in a host's directory too. */
function serversBelow(directory: string): ProcessName[] {
  return findWorkingBelow(directory).filter(({ pid }) => isServer(readArguments(pid)));
}

/** What a directory is called once its data counts as gone. */
const GONE = '.destroyed';

/**
 * Kills databases at one moment, and takes all their data away: what is left is for {@link removeGone}. Standbys die before
 * their primary, so that none of them is seen alone and promoted; and nobody can start a server on the data again.
 *
 * @throws CliError if a process of them does not die
 */
export async function destroyAll(remains: readonly Remains[]): Promise<void> {
  const known = remains.flatMap(({ processes }) => processes);
  const homes = remains.flatMap((one) => one.homes);
  signalAll(known, 'SIGKILL');
  for (const home of homes) renameSync(home, `${home}${GONE}`);
  const isOver = await askUntil(() => {
    const left = [...known.filter(isAlive), ...findBelow(homes)];
    signalAll(left, 'SIGKILL');
    return left.length === 0 || undefined;
  }, { deadlineMs: DEAD_WITHIN_MS, everyMs: 5 });
  if (!isOver) throw new CliError('a process of a canary does not die');
}

/** Removes the data of databases that were destroyed. */
export async function removeGone(remains: readonly Remains[]): Promise<void> {
  for (const { homes } of remains) for (const home of homes) await rm(`${home}${GONE}`, { recursive: true, force: true });
}

/** Backends that were just born, and what archives apart from its server and names its configuration on its command line. */
function findBelow(homes: readonly string[]): ProcessName[] {
  // An instance has its own number, by whatever path its directory was reached.
  const marks = homes.flatMap((home) => [`/volume/${basename(home)}/`, `/volume/${basename(home)}${GONE}/`]);
  const isBelow = (path: string): boolean => marks.some((mark) => path.includes(mark));
  return listPids().filter((pid) => {
    const words = readArguments(pid);
    return isServer(words)
      ? isBelow(`${readWorkingDirectory(pid)}/`)
      : words.some((word) => word.includes('pgbackrest')) && words.some(isBelow);
  }).flatMap((pid) => nameProcess(pid) ?? []);
}

function isServer([program = '']: readonly string[]): boolean {
  return /(^|\/)postgres(:|$)/.test(program);
}
