import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';

import { errorCode } from '../base/error-code.js';
import { CliError } from '../cli/cli-error.js';
import { readText, writeWhole } from '../engine/local/machine/files.js';
import { isAlive, nameProcess, type ProcessName } from '../engine/local/machine/processes.js';
import type { ControlDirectory } from './control-directory.js';

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
    super(
      holder?.api
        ? `a fleet is already up in ${dataDir} at ${holder.api} (${who}): stop it with freehold down`
        : `${who} is starting or stopping the fleet in ${dataDir}: try again when it is done`,
    );
  }
}

/** A data directory that this process holds. */
export interface FleetLock {
  /** Tells who asks where the fleet can be reached. */
  announce(api: string): Promise<void>;
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
  const isBusy = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => (errorCode(error) === 'EADDRINUSE' ? resolve(true) : reject(error)));
    server.listen({ path: `\0freehold/${name}` }, () => resolve(false));
  });
  if (isBusy) throw new FleetBusyError(directory.dataDir, await findSupervisor(directory));
  server.unref();
  const path = directory.pidFile(NAME);
  const introduce = (supervisor: Supervisor): Promise<void> =>
    writeWhole({ path, content: `${JSON.stringify(supervisor)}\n`, mode: 0o600 });
  const own = nameProcess(process.pid) as ProcessName;
  await introduce(own);
  return {
    announce: (api) => introduce({ ...own, api }),
    release: () => {
      rmSync(path, { force: true });
      server.close();
    },
  };
}

/** The living process that holds the directory, if one does. */
export async function findSupervisor(directory: ControlDirectory): Promise<Supervisor | undefined> {
  const text = await readText(directory.pidFile(NAME));
  if (text === undefined) return undefined;
  const supervisor = JSON.parse(text) as Supervisor;
  return isAlive(supervisor) ? supervisor : undefined;
}
