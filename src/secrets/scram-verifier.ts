import { createHash, createHmac, pbkdf2 as pbkdf2WithCallback, pbkdf2Sync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const pbkdf2 = promisify(pbkdf2WithCallback);

/** PostgreSQL's own default (`scram_iterations`). The passwords are random, so more rounds would only cost log-in time. */
const ROUNDS = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/**
 * The verifier that PostgreSQL and PgBouncer store for a password (RFC 5803): with it they can check the password, and
 * nobody can log in with it. A server of many clients uses this one, which does not keep the others waiting.
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return verifierOf(await pbkdf2(password, salt, ROUNDS, KEY_BYTES, 'sha256'), salt, ROUNDS);
}

/** The same at once, which takes about 2 ms. The same salt and number of rounds make the same verifier. */
export function scramVerifierSync(password: string, salt = randomBytes(SALT_BYTES), rounds = ROUNDS): string {
  return verifierOf(pbkdf2Sync(password, salt, rounds, KEY_BYTES, 'sha256'), salt, rounds);
}

function verifierOf(saltedPassword: Buffer, salt: Buffer, rounds: number): string {
  const hmac = (text: string): Buffer => createHmac('sha256', saltedPassword).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
