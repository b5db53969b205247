import { EngineError } from '../../errors.js';
import { HostShell } from '../machine/host-shell.js';
import { fleetSchema, type FleetDescription } from './fleet-description.js';
import { fleetFile, MOUNTS, mountPoint } from './fleet-layout.js';

/** Reads DIR/fleet.json; undefined if there is none. */
export async function readFleet(shell: HostShell): Promise<FleetDescription | undefined> {
  const text = await shell.read(fleetFile(shell.root));
  if (text === undefined) return undefined;
  const parsed = fleetSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join(', ');
  throw new EngineError('permanent', `${fleetFile(shell.root)} is not a fleet's description: ${faults}`, 'restore the file from a copy');
}

/** @throws EngineError `permanent` if the fleet was made by root and this is not root, or the other way round. */
export function refuseOtherKindOfUser(shell: HostShell, fleet: FleetDescription): void {
  const madeByRoot = fleet.firstAccount !== null;
  if (madeByRoot === shell.isRoot) return;
  const maker = madeByRoot ? 'root' : 'an ordinary user';
  throw new EngineError('permanent', `the fleet in ${shell.root} was made by ${maker}`, `run this as ${maker}`);
}

export async function writeFleet(shell: HostShell, fleet: FleetDescription): Promise<void> {
  await shell.write({ path: fleetFile(shell.root), content: `${JSON.stringify(fleet, null, 2)}\n`, mode: 0o644 });
}

/**
 * The path under which instances, gateways and other users reach the fleet's files; mounts it there if need be.
 *
 * An instance runs under an account of its own and must pass through to its directory, though DIR may be below a folder
 * that only root may enter. DIR is then bound to a path below /run that everyone may pass.
 */
export async function openRuntimeRoot(dataDir: string, fleet: FleetDescription): Promise<string> {
  const shell = HostShell.bare(dataDir);
  const mounted = mountPoint(fleet.id);
  if (shell.isMounted(mounted)) return mounted;
  if (!shell.isRoot || (await shell.firstClosedParent(dataDir)) === undefined) return dataDir;
  await HostShell.bare(MOUNTS).ensureDirectory(MOUNTS, 0o755);
  await shell.bindMount(dataDir, mounted);
  return mounted;
}

/** The path that {@link openRuntimeRoot} chose, without mounting anything. */
export function currentRuntimeRoot(dataDir: string, fleet: FleetDescription): string {
  return HostShell.bare(dataDir).isMounted(mountPoint(fleet.id)) ? mountPoint(fleet.id) : dataDir;
}

export async function closeRuntimeRoot(fleet: FleetDescription): Promise<void> {
  const mounts = HostShell.bare(MOUNTS);
  const mounted = mountPoint(fleet.id);
  if (mounts.isMounted(mounted)) await mounts.unmount(mounted);
  if (!mounts.isMounted(mounted)) await mounts.removeIfEmpty(mounted);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
