import { pbkdf2 as pbkdf2WithCallback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const pbkdf2 = promisify(pbkdf2WithCallback);

const SCHEME = 'PBKDF2-SHA512';
const SALT_BYTES = 16;
/** The length of what SHA-512 gives: more would cost only whoever checks. */
const HASH_BYTES = 64;

/** What is kept of a person's password, with all that is needed to check one against it. */
export interface PasswordVerifier {
  readonly rounds: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** PBKDF2 with SHA-512 (NIST SP 800-132) over a salt of 128 random bits. */
export async function makePasswordVerifier(password: string, rounds: number): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await pbkdf2(password, salt, rounds, HASH_BYTES, 'sha512');
  return `${SCHEME}$${rounds}:${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** @throws Error for a text that is none */
export function readPasswordVerifier(text: string): PasswordVerifier {
  const [, rounds, salt, hash] = /^PBKDF2-SHA512\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  if (rounds === undefined || salt === undefined || hash === undefined) throw new Error('a password verifier is malformed');
  return { rounds: Number(rounds), salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Whether a password is the one of the verifier; takes as many rounds as that says. */
export async function matchesPassword(password: string, { rounds, salt, hash }: PasswordVerifier): Promise<boolean> {
  const found = await pbkdf2(password, salt, rounds, hash.length, 'sha512');
  return timingSafeEqual(found, hash);
}
