import { rmSync } from 'node:fs';

import { shutDownLocalFleet } from '../engine/engine.js';
import { endProcess } from '../engine/local/machine/processes.js';
import { CliError } from '../cli/cli-error.js';
import type { ControlDirectory } from './control-directory.js';
import { FleetBusyError, findSupervisor, lockFleet, type FleetLock } from './fleet-lock.js';
import { endLeftovers } from './leftovers.js';
import { readFleetName } from './master-key.js';
import type { Progress } from './progress.js';

/** A supervisor bounds the ends of its own children; this is more than all of those bounds together. */
const SUPERVISOR_FAREWELL = [{ signal: 'SIGTERM', graceMs: 60_000 }, { signal: 'SIGKILL', graceMs: 5_000 }] as const;

/**
 * Stops everything of a fleet: its control plane, also processes that a dead supervisor left behind, its gateways and its instances.
 * Called again, it finds nothing to do.
 */
export async function takeDown(directory: ControlDirectory, progress: Progress): Promise<void> {
  const lock = await stopControlPlane(directory, progress);
  try {
    progress.step('stopping gateways and databases');
    if (directory.hasFleet) await shutDownLocalFleet(directory.dataDir);
    rmSync(directory.run, { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

/** Answers with the lock, so that nobody starts the fleet while the rest of it is stopped. */
async function stopControlPlane(directory: ControlDirectory, progress: Progress): Promise<FleetLock> {
  await directory.prepare();
  const supervisor = await findSupervisor(directory);
  if (supervisor) {
    progress.step('stopping the control plane');
    const ended = await endProcess(supervisor, SUPERVISOR_FAREWELL);
    if (!ended) throw new CliError(`process ${supervisor.pid}, which keeps the control plane running, cannot be ended: end it by hand`);
  }
  const lock = await lockFleet(directory, (await readFleetName(directory)) ?? '').catch((error: unknown) => {
    if (error instanceof FleetBusyError) {
      throw new CliError(`another process started or stopped the fleet in ${directory.dataDir} at the same time: try again`);
    }
    throw error;
  });
  const ended = await endLeftovers(directory);
  if (ended > 0) progress.step(`ended ${ended} processes that an earlier start had left behind`);
  return lock;
}
