import { randomBytes } from 'node:crypto';

/** Makes a password that needs no escaping in a URI: 192 random bits. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
