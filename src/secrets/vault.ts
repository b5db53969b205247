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
  constructor(private readonly masterKey: Buffer) {
    if (masterKey.length !== 32) throw new Error('the master key must be 32 bytes');
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

  /** A key of its own for one purpose, in base64: the same whenever it is asked for, and telling nothing of the master key. */
  derive(purpose: string): string {
    return Buffer.from(hkdfSync('sha256', this.masterKey, 'freehold', purpose, 32)).toString('base64');
  }
}
