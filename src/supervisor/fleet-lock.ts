import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';

import { CliError, errorCode } from '../cli/cli-error.js';
import type { ControlDirectory } from './control-directory.js';
import { readIfThere, writeDurably } from './files.js';
import { isAlive, nameProcess, type ProcessName } from './processes.js';

/** What a supervisor tells about itself. */
export interface Supervisor extends ProcessName {
  /** The API's address; missing while `down` or `purge` holds the fleet. */
  readonly api?: string;
}

const NAME = 'supervisor';

/** The directory is held by another living process. */
export class FleetBusyError extends CliError {
  constructor(
    dataDir: string,
    readonly holder: Supervisor | undefined,
  ) {
    const who = holder ? `process ${holder.pid}` : 'another process';
    super(holder?.api ? `a fleet is already up in ${dataDir} at ${holder.api} (${who}): stop it with freehold down` : `${who} is starting or stopping the fleet in ${dataDir}: try again when it is done`);
  }
}

/** A data directory that this process holds. */
export interface FleetLock {
  /** Tells who asks where the fleet can be reached. */
  announce(api: string): void;
  release(): void;
}

/**
 * Holds a data directory for this process until it ends, however it ends.
 *
 * The lock is a socket in Linux's abstract namespace, which the kernel gives back by itself; nothing can go stale. The
 * file beside it only says who holds it.
 *
 * @throws FleetBusyError if another process holds it.
 */
export async function lockFleet(directory: ControlDirectory, fleetName: string): Promise<FleetLock> {
  const { dev, ino } = statSync(directory.control);
  const name = createHash('sha256').update(`${fleetName} ${dev} ${ino}`).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(errorCode(error) === 'EADDRINUSE' ? new FleetBusyError(directory.dataDir, findSupervisor(directory)) : error));
    server.listen({ path: `\0freehold/${name}` }, resolve);
  });
  server.unref();
  const path = directory.pidFile(NAME);
  const introduce = (supervisor: Supervisor): void => writeDurably(path, `${JSON.stringify(supervisor)}\n`);
  const own = nameProcess(process.pid) as ProcessName;
  introduce(own);
  return {
    announce: (api) => introduce({ ...own, api }),
    release: () => {
      rmSync(path, { force: true });
      server.close();
    },
  };
}

/** The living process that holds the directory, if one does. */
export function findSupervisor(directory: ControlDirectory): Supervisor | undefined {
  const text = readIfThere(directory.pidFile(NAME))?.toString();
  if (text === undefined) return undefined;
  const supervisor = JSON.parse(text) as Supervisor;
  return isAlive(supervisor) ? supervisor : undefined;
}
