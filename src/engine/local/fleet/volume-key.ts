import { hkdfSync } from 'node:crypto';

/** What the kernel is given: as much as AES-256-XTS takes. */
const KEY_BYTES = 64;

/** The key of a database's volume on one host, in hexadecimal; that of another host tells nothing of it. */
export function volumeKey(databaseKey: string, hostId: string): string {
  return Buffer.from(hkdfSync('sha512', Buffer.from(databaseKey, 'base64'), 'freehold', `volume ${hostId}`, KEY_BYTES)).toString('hex');
}
