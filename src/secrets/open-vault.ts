import type { Settings } from '../config/settings.js';
import { Vault } from './vault.js';

/** The vault of a process, of the keys that it was started with. */
export function openVault(
  { FREEHOLD_MASTER_KEY, FREEHOLD_DERIVATION_KEY }: Pick<Settings, 'FREEHOLD_MASTER_KEY' | 'FREEHOLD_DERIVATION_KEY'>,
): Vault {
  const masterKey = Buffer.from(FREEHOLD_MASTER_KEY, 'base64');
  return new Vault(masterKey, FREEHOLD_DERIVATION_KEY === undefined ? masterKey : Buffer.from(FREEHOLD_DERIVATION_KEY, 'base64'));
}
