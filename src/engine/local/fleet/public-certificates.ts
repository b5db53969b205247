import { HostShell } from '../machine/host-shell.js';
import type { FleetDescription } from './fleet-description.js';
import { authorityCertificatePath } from './fleet-layout.js';

/** Any user may read it and make a directory in it, and it outlives a reboot. */
const PUBLIC = '/var/tmp';

export const publicDirectory = (fleet: FleetDescription): string => `${PUBLIC}/freehold-${fleet.id}`;
export const publicCertificatePath = (fleet: FleetDescription, regionId: string): string => `${publicDirectory(fleet)}/${regionId}.pem`;

/**
 * Puts the certificates of the fleet's authorities where any user of the machine can read them, if the fleet's own directory
 * is closed to others: an ordinary user's lies below a home, and cannot be mounted elsewhere.
 *
 * Answers whether they are there. A directory of that name that somebody else has made is not used: who can write to it could
 * put another authority there.
 */
export async function publishCertificates(root: string, fleet: FleetDescription): Promise<boolean> {
  const own = HostShell.bare(root);
  if (own.isRoot || (await own.firstClosedParent(root)) === undefined) return false;
  const shell = HostShell.bare(publicDirectory(fleet));
  if (!(await shell.exists(shell.root))) await shell.ensureDirectory(shell.root, 0o755);
  if (!(await belongsToOwner(root, shell.root))) return false;
  for (const { id } of fleet.regions) {
    const content = await own.read(authorityCertificatePath(root, id));
    if (content === undefined) return false;
    await shell.write({ path: publicCertificatePath(fleet, id), content, mode: 0o644 });
  }
  return true;
}

/** Removes what {@link publishCertificates} has made. */
export async function withdrawCertificates(root: string, fleet: FleetDescription): Promise<void> {
  if (await belongsToOwner(root, publicDirectory(fleet))) await HostShell.bare(publicDirectory(fleet)).remove(publicDirectory(fleet));
}

/** Whether it is a directory, and no link to one, of the user whom the fleet belongs to. */
async function belongsToOwner(root: string, directory: string): Promise<boolean> {
  const { code, stdout } = await HostShell.bare(root).run(['stat', '--format=%u %F', '--', root, directory]);
  const [one, other] = stdout.trim().split('\n');
  return code === 0 && one === other && one?.endsWith(' directory') === true;
}
