import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { Database, Instance } from '../../../clients/typescript/src/client.js';
import { CliError, errorCode } from '../cli-error.js';
import type { ControlDirectory } from '../fleet/control-directory.js';
import { readIfThere } from '../fleet/files.js';
import { findWorkingBelow, isAlive, leadToSame, listPids, nameProcess, readArguments, sendSignal, type ProcessName } from '../fleet/processes.js';

/** The processes of an embedded fleet, by its directory alone: a drill must not rely on what it is about to break. */
export class FleetMachine {
  constructor(private readonly directory: ControlDirectory) {}

  /** @throws CliError if the database does not live in this directory. */
  requireHome({ id, instances }: Database): void {
    const missing = instances.find(({ host }) => !existsSync(this.databaseDirectory(host, id)));
    if (missing) throw new CliError(`${id} does not live in ${this.directory.dataDir}: faults can be injected only on the machine of an embedded fleet; name its directory with --data-dir`);
  }

  /**
   * The postmaster of an instance, and its children.
   *
   * @throws CliError if there is none
   */
  instanceProcesses({ id: databaseId }: Database, { id, host }: Instance): ProcessName[] {
    return this.requireSome(serversBelow(this.databaseDirectory(host, databaseId)), `instance ${id}`);
  }

  /** Every server on a host, whosever database it is of. */
  hostProcesses(host: string): ProcessName[] {
    return this.requireSome(serversBelow(join(this.directory.dataDir, 'hosts', host)), `host ${host}`);
  }

  /** A region's gateway, which is told its configuration on its command line. */
  gatewayProcess(region: string): ProcessName | undefined {
    const settings = join(this.directory.dataDir, 'gateways', region, 'etc/pgbouncer.ini');
    return listPids().filter((pid) => readArguments(pid).some((argument) => argument.endsWith('/pgbouncer.ini') && leadToSame(argument, settings)))
      .flatMap((pid) => nameProcess(pid) ?? [])[0];
  }

  /** The worker that the fleet's supervisor has started last. */
  workerProcess(): ProcessName | undefined {
    const text = readIfThere(this.directory.pidFile('worker'))?.toString();
    const worker = text === undefined ? undefined : (JSON.parse(text) as ProcessName);
    return worker && isAlive(worker) ? worker : undefined;
  }

  private databaseDirectory(host: string, databaseId: string): string {
    return join(this.directory.dataDir, 'hosts', host, databaseId);
  }

  private requireSome(found: ProcessName[], what: string): ProcessName[] {
    if (found.length === 0) throw new CliError(`${what} has no process in ${this.directory.dataDir} that this account can see: run the drill as root, or as the user who runs the fleet`);
    return found;
  }
}

/** Sends a signal to processes, each only if it is still the one that was meant. */
export function signalAll(processes: readonly ProcessName[], signal: NodeJS.Signals): void {
  try {
    for (const process of processes) if (isAlive(process)) sendSignal(process.pid, signal);
  } catch (error) {
    if (errorCode(error) === 'EPERM') throw new CliError('a process belongs to another account: run the drill as root, or as the user who runs the fleet');
    throw error;
  }
}

/** A person's shell may stand in a host's directory too. */
function serversBelow(directory: string): ProcessName[] {
  return findWorkingBelow(directory).filter(({ pid }) => /(^|\/)postgres(:|$)/.test(readArguments(pid)[0] ?? ''));
}
