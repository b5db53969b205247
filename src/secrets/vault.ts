import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals secrets under the master key, so that a copy of the metadata or of the data directory gives none of them away.
 *
 * AES-256-GCM with a random nonce; what the secret belongs to is authenticated with it, so that a sealed secret that
 * was moved to another row does not open.
 */
export class Vault {
  /** @param derivationKey of which other keys are made: the fleet's first master key, which a rotation leaves what it was */
  constructor(private readonly masterKey: Buffer, private readonly derivationKey: Buffer = masterKey) {
    if (masterKey.length !== 32 || derivationKey.length !== 32) throw new Error('the master key must be 32 bytes');
  }

  /** Encrypts a secret for one owner, such as a database's id. */
  seal(secret: string | Buffer, belongsTo: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.masterKey, nonce).setAAD(Buffer.from(belongsTo));
    const body = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** @throws Error if the sealed bytes were changed, sealed for another owner, or sealed under another master key. */
  unseal(sealed: Buffer, belongsTo: string): Buffer {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(ALGORITHM, this.masterKey, nonce).setAAD(Buffer.from(belongsTo)).setAuthTag(tag);
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  }

  /**
   * Seals anew what was sealed under the master key before; undefined if it is sealed under this one already.
   *
   * @throws Error if neither of both opens it.
   */
  reseal(sealed: Buffer, belongsTo: string, before: Vault): Buffer | undefined {
    try {
      this.unseal(sealed, belongsTo);
      return undefined;
    } catch {
      return this.seal(before.unseal(sealed, belongsTo), belongsTo);
    }
  }

  /** A key of its own for one purpose, in base64: the same whenever it is asked for, and telling nothing of the master key. */
  derive(purpose: string): string {
    return Buffer.from(hkdfSync('sha256', this.derivationKey, 'freehold', purpose, 32)).toString('base64');
  }
}
