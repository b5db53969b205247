import { createHmac } from 'node:crypto';
import type { Vault } from '../secrets/vault.js';

/**
 * What stands for a password in the record of a request that may be repeated: the same for the same password, and worth nothing
 * without the master key. A plain hash there could be searched much faster than what is kept of the password itself.
 */
export const fingerprint = (vault: Vault, password: string): string =>
  createHmac('sha256', vault.derive('password-fingerprints')).update(password).digest('base64url');
