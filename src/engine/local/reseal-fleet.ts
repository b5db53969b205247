import { EngineError } from '../errors.js';
import type { SecretVault } from '../collaborators.js';
import { authorityOwner } from './fleet/region-authority.js';
import { resealPublicKey } from './fleet/public-certificate-store.js';
import { authorityKeyPath } from './fleet/fleet-layout.js';
import { readFleet } from './fleet/fleet-store.js';
import { HostShell } from './machine/host-shell.js';

/** A vault that knows how to open what was sealed under the master key before. */
export interface RotatingVault extends SecretVault {
  /** Undefined if it is sealed under this one already. */
  reseal(sealed: Buffer, belongsTo: string): Buffer | undefined;
}

/** Seals the keys in a fleet's files anew; answers how many there were to do. */
export async function resealLocalFleet(dataDir: string, vault: RotatingVault): Promise<number> {
  const shell = HostShell.bare(dataDir);
  const fleet = await readFleet(shell);
  if (!fleet) throw new EngineError('permanent', `there is no fleet in ${dataDir}`, 'give the directory that was given to freehold up');
  let resealed = 0;
  for (const { id } of fleet.regions) {
    const path = authorityKeyPath(dataDir, id);
    const sealed = await shell.readBytes(path);
    const next = sealed && vault.reseal(sealed, authorityOwner(fleet, id));
    if (!next) continue;
    await shell.write({ path, content: next, mode: 0o600 });
    resealed += 1;
  }
  return resealed + ((await resealPublicKey(shell, fleet, vault)) ? 1 : 0);
}
