import { randomBytes } from 'node:crypto';

import type { Vault } from '../secrets/vault.js';
import { CliError } from '../cli/cli-error.js';
import { readBytes, writeWhole } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';

/** Secrets of the control plane itself, made once for a fleet and sealed under its master key. */
export interface ControlKeys {
  readonly operatorKey: string;
  readonly signupKey: string;
  /** The first operator, who is made as long as there is none, and the password that they sign in with once. */
  readonly operatorEmail: string;
  readonly operatorPassword: string;
  /** Password of the metadata database's role. */
  readonly metadataPassword: string;
  readonly redisPassword: string;
}

/** To whom the control plane's sealed secrets belong. */
export const CONTROL_KEYS_OWNER = 'control/keys';

const DEFAULT_OPERATOR = 'operator@localhost';

/**
 * The fleet's keys, made where there are none yet.
 *
 * @param operatorEmail the first operator's address, where it is not kept yet: it is who was made with it
 * @throws CliError if the master key is not the one that the keys were sealed under.
 */
export async function openControlKeys(directory: ControlDirectory, vault: Vault, operatorEmail?: string): Promise<ControlKeys> {
  const sealed = await readBytes(directory.sealedKeys);
  // A fleet of before has no first operator.
  const kept = (sealed ? JSON.parse(unseal(vault, sealed, CONTROL_KEYS_OWNER, directory)) : {}) as Partial<ControlKeys>;
  const keys: ControlKeys = {
    operatorKey: `fh_operator_${random()}`,
    signupKey: `fh_signup_${random()}`,
    metadataPassword: random(),
    redisPassword: random(),
    operatorEmail: operatorEmail ?? DEFAULT_OPERATOR,
    operatorPassword: randomPassword(),
    ...kept,
  };
  if (JSON.stringify(keys) !== JSON.stringify(kept)) {
    await writeWhole({ path: directory.sealedKeys, content: vault.seal(JSON.stringify(keys), CONTROL_KEYS_OWNER), mode: 0o600 });
  }
  return keys;
}

/** Opens what this fleet sealed. */
export function unseal(vault: Vault, sealed: Buffer, owner: string, directory: ControlDirectory): string {
  try {
    return vault.unseal(sealed, owner).toString();
  } catch {
    throw new CliError(
      `the master key is not the one that ${directory.dataDir} was made with: `
        + 'bring that one back, or name its place in FREEHOLD_MASTER_KEY_FILE',
    );
  }
}

/** 43 characters of base64url: 256 bits. */
function random(): string {
  return randomBytes(32).toString('base64url');
}

/** 120 random bits in groups that can be typed. */
function randomPassword(): string {
  return randomBytes(15).toString('hex').replaceAll(/(.{6})(?=.)/g, '$1-');
}
