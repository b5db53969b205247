import type { LocalFleet } from './local-fleet.js';
import { authorityFromSecret, type CertificateAuthority } from './certificates.js';

/** Every client of an instance is told whose certificates it takes; it says nothing about the database. */
const AUTHORITY_NAME = 'Freehold pooler CA';
export const POOLER_NAME = 'Freehold pooler';

/**
 * The authority that vouches for the pooler of one database, and for nothing else. Its key follows from the master key, so that
 * the pooler and the instances, wherever they are, need not share a file.
 */
export function poolerAuthority(fleet: Pick<LocalFleet, 'deriveKey'>, databaseId: string): Promise<CertificateAuthority> {
  return authorityFromSecret(AUTHORITY_NAME, fleet.deriveKey(`pooler ${databaseId} authority`));
}
