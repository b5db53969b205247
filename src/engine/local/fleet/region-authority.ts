import type { SecretVault } from '../../collaborators.js';
import { EngineError } from '../../errors.js';
import type { HostShell } from '../machine/host-shell.js';
import { CertificateAuthority, createAuthority } from './certificates.js';
import type { FleetDescription, RegionDescription } from './fleet-description.js';
import { authorityCertificatePath, authorityKeyPath } from './fleet-layout.js';
import { ownAuthority } from './public-certificate-store.js';

/** Makes the authority that signs a region's certificates, unless there is one; its key is sealed under the master key. */
export async function makeAuthority(
  shell: HostShell, fleet: FleetDescription, region: RegionDescription, vault: SecretVault,
): Promise<void> {
  if (await shell.exists(authorityCertificatePath(shell.root, region.id))) return;
  const pair = await createAuthority(`Freehold ${region.name} CA ${fleet.id}`);
  await shell.write({
    path: authorityKeyPath(shell.root, region.id), content: vault.seal(pair.key, authorityOwner(fleet, region.id)), mode: 0o600,
  });
  // The certificate comes last: once it is there, both are.
  await shell.write({ path: authorityCertificatePath(shell.root, region.id), content: pair.certificate, mode: 0o644 });
}

/** @throws EngineError `permanent` if the region's key was sealed under another master key. */
export async function loadAuthority(
  shell: HostShell, fleet: FleetDescription, regionId: string, vault: SecretVault,
): Promise<CertificateAuthority> {
  const certificate = await shell.read(authorityCertificatePath(shell.root, regionId));
  const sealed = await shell.readBytes(authorityKeyPath(shell.root, regionId));
  if (certificate === undefined || sealed === undefined) {
    throw new EngineError(
      'permanent', `the certificate authority of ${regionId} is missing`, 'prepare the fleet, or restore the directory',
    );
  }
  try {
    const key = vault.unseal(sealed, authorityOwner(fleet, regionId)).toString('utf8');
    return await CertificateAuthority.load({ certificate: ownAuthority(certificate), key });
  } catch (error) {
    throw new EngineError(
      'permanent',
      `the key of ${regionId}'s certificate authority does not open`,
      'use the master key under which the fleet was made',
      { cause: error },
    );
  }
}

/** To whom the sealed key of a region's authority belongs. */
export function authorityOwner(fleet: FleetDescription, regionId: string): string {
  return `fleet ${fleet.id} region ${regionId} certificate authority`;
}
