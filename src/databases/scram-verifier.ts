import { createHash, createHmac, pbkdf2 as pbkdf2WithCallback, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const pbkdf2 = promisify(pbkdf2WithCallback);

/** PostgreSQL's own default (`scram_iterations`). The passwords are random, so more rounds would only cost log-in time. */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;

/** Makes a password that needs no escaping in a URI: 192 random bits. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * The verifier that PostgreSQL and PgBouncer store for a password (RFC 5803): with it they can check the password, and
 * nobody can log in with it.
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const salted = await pbkdf2(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
