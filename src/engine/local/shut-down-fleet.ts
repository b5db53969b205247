import { setTimeout as delay } from 'node:timers/promises';

import { EngineError } from '../errors.js';
import { GATE_PROGRAMS, HostShell, type ProcessFacts } from './machine/host-shell.js';
import { isStopped } from './machine/processes.js';
import type { FleetDescription } from './fleet/fleet-description.js';
import { backupsDirectory, binDirectory, gatewayDirectory, hostsDirectory, workDirectory } from './fleet/fleet-layout.js';
import { closeRuntimeRoot, currentRuntimeRoot, readFleet } from './fleet/fleet-store.js';
import { findPostmaster } from './fleet/instance-context.js';
import { closeVolumes } from './fleet/volumes.js';
import { instancePaths, listInstances } from './fleet/instance-layout.js';

/** How long a primary may take to send its last WAL and stop; what does not stop by then is killed. */
const STOP_WITHIN_MS = 20_000;
const KILL_WITHIN_MS = 10_000;
/** Stopping writes a checkpoint each; more at once only queue for the disk. */
const STOPS_AT_ONCE = 8;
const POLL_MS = 10;

interface FoundInstance {
  readonly primary: boolean;
  readonly postmaster: ProcessFacts;
}

/**
 * Stops everything of a fleet: gateways, then primaries, then standbys, so that each standby has all that its primary had.
 *
 * Needs neither the metadata database nor the master key: what runs is found on the machine. Bounded: what does not stop
 * is killed. Nothing is left running or mounted, and no key in the kernel.
 *
 * @throws EngineError `permanent` if the directory is no fleet's, `transient` if something would not die.
 */
export async function shutDownLocalFleet(dataDir: string): Promise<void> {
  const { shell, fleet } = await findFleet(dataDir);
  const root = shell.root;
  // A verb that is still at work on an instance could start it again.
  await killAll(shell, () => shell.processesUnder([binDirectory(root)], { programs: GATE_PROGRAMS }));
  await stopAll(shell, gatewayProcesses(shell, fleet), 'SIGTERM', STOP_WITHIN_MS / 10);
  const instances = await findInstances(shell, fleet);
  await stopInstances(shell, instances.filter((instance) => instance.primary));
  await stopInstances(shell, instances.filter((instance) => !instance.primary));
  const places = [hostsDirectory, backupsDirectory, workDirectory].map((below) => below(root));
  await killAll(shell, () => [...shell.processesUnder(places), ...gatewayProcesses(shell, fleet)]);
  await closeVolumes(shell, STOPS_AT_ONCE);
  for (const mounted of shell.mountsUnder(root)) await shell.unmount(mounted);
  await closeRuntimeRoot(fleet);
}

/** @throws EngineError `permanent` if the directory is no fleet's. */
export async function findFleet(dataDir: string): Promise<{ shell: HostShell; fleet: FleetDescription; dataDir: string }> {
  const bare = HostShell.bare(dataDir);
  const real = (await bare.exists(dataDir)) ? await bare.realpath(dataDir) : dataDir;
  const fleet = await readFleet(HostShell.bare(real));
  if (!fleet) {
    throw new EngineError('permanent', `${dataDir} is not the directory of a fleet`, 'give the directory that was given to freehold up');
  }
  return { shell: HostShell.bare(currentRuntimeRoot(real, fleet)), fleet, dataDir: real };
}

function gatewayProcesses(shell: HostShell, fleet: FleetDescription): ProcessFacts[] {
  return shell.processesUnder(fleet.regions.map((region) => gatewayDirectory(shell.root, region.id)));
}

async function findInstances(shell: HostShell, fleet: FleetDescription): Promise<FoundInstance[]> {
  const hosts = fleet.regions.flatMap((region) => region.dataCenters.flatMap((center) => center.hosts));
  const instances = await Promise.all(hosts.map(({ id }) => listInstances(shell.root, id, shell.list)));
  const found = await Promise.all(instances.flat().map(async (instance) => {
    const paths = instancePaths(shell.root, instance);
    const [postmaster, isStandby] = await Promise.all([findPostmaster({ shell, paths }), shell.exists(`${paths.data}/standby.signal`)]);
    return postmaster ? [{ primary: !isStandby, postmaster: postmaster.process }] : [];
  }));
  return found.flat();
}

async function stopInstances(shell: HostShell, instances: readonly FoundInstance[]): Promise<void> {
  for (let first = 0; first < instances.length; first += STOPS_AT_ONCE) {
    const batch = instances.slice(first, first + STOPS_AT_ONCE).map((instance) => instance.postmaster);
    // SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written, standbys get the rest.
    await stopAll(shell, batch, 'SIGINT', STOP_WITHIN_MS);
  }
}

/** Asks processes to end, waits a while, and leaves the rest to the killing at the end. */
async function stopAll(shell: HostShell, processes: readonly ProcessFacts[], signal: NodeJS.Signals, withinMs: number): Promise<void> {
  for (const process of processes) shell.signal(process, signal);
  const deadline = Date.now() + withinMs;
  // A stopped process takes no notice until it is killed.
  const waitedFor = (process: ProcessFacts): boolean => {
    const now = shell.readProcess(process.pid);
    return now !== undefined && now.startTicks === process.startTicks && !isStopped(now);
  };
  while (processes.some(waitedFor) && Date.now() < deadline) await delay(POLL_MS);
}

async function killAll(shell: HostShell, find: () => ProcessFacts[]): Promise<void> {
  const deadline = Date.now() + KILL_WITHIN_MS;
  for (;;) {
    const alive = find();
    if (alive.length === 0) return;
    if (Date.now() > deadline) {
      throw new EngineError(
        'transient', `processes would not die: ${alive.map((process) => process.pid).join(', ')}`, 'see what they wait for, then try again',
      );
    }
    for (const process of alive) shell.signal(process, 'SIGKILL');
    await delay(POLL_MS);
  }
}

