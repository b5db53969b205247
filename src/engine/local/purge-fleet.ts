import { HostShell } from './machine/host-shell.js';
import {
  backupsDirectory, binDirectory, fleetFile, gatewaysDirectory, hostsDirectory, regionsDirectory, sitesDirectory, socketsDirectory,
  workDirectory,
} from './fleet/fleet-layout.js';
import { withdrawCertificates } from './fleet/public-certificates.js';
import { findFleet, shutDownLocalFleet } from './shut-down-fleet.js';

/**
 * Stops a fleet and removes every file of it, undoing what protects them from being removed. Other files in the
 * directory are left alone; the directory itself goes if nothing else is in it.
 *
 * @throws EngineError `permanent` if the directory is no fleet's.
 */
export async function purgeLocalFleet(dataDir: string): Promise<void> {
  const { dataDir: real, fleet } = await findFleet(dataDir);
  await shutDownLocalFleet(real);
  const shell = HostShell.bare(real);
  for (const directory of [
    hostsDirectory, gatewaysDirectory, regionsDirectory, socketsDirectory, sitesDirectory, backupsDirectory,
    workDirectory, binDirectory,
  ]) {
    const path = directory(real);
    if (!(await shell.exists(path))) continue;
    // Frozen files are immutable until the flag is taken away; file systems without flags have nothing to take away.
    if (shell.isRoot) await shell.run(['chattr', '-R', '-f', '-i', '-a', path]).catch(() => undefined);
    await shell.remove(path);
  }
  await withdrawCertificates(real, fleet);
  // Last: until it is gone, an interrupted purge can be run again.
  await shell.remove(fleetFile(real));
  await shell.removeIfEmpty(real);
}
