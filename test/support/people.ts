import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser';
import { Secret, TOTP } from 'otpauth';
import { SessionsService } from '../../src/access/sessions/sessions.service.js';
import { UsersService } from '../../src/access/users/users.service.js';
import { makePasswordVerifier } from '../../src/secrets/password-verifier.js';
import { eventually } from './servers.js';
import type { TestApi } from './test-api.js';

/** A password that everybody in the tests has. */
export const PASSWORD = 'seven green kettles hum';

export interface TestUser {
  readonly id: string;
  readonly email: string;
  /** Of a session. */
  readonly token: string;
}

type Role = 'owner' | 'member' | 'operator';

let made = 0;

/** Made once: it takes a tenth of a second. */
let verifier: Promise<string> | undefined;

/** Makes a user who signs in with {@link PASSWORD}, without an invitation. */
export async function makeUser(api: TestApi, role: Role, customerId: string | null, email: string): Promise<string> {
  return insertUser(api, { role, customerId, email, verifier: await (verifier ??= makePasswordVerifier(PASSWORD, 210_000)) });
}

/** Makes a user who is signed in, and has no password. */
export async function signedInUser(api: TestApi, role: Role, customerId: string | null): Promise<TestUser> {
  const email = `${role}${(made += 1)}@example.com`;
  const id = await insertUser(api, { role, customerId, email, verifier: null });
  return { id, email, token: await signInAgain(api, id) };
}

async function insertUser(api: TestApi, user: { role: Role; customerId: string | null; email: string; verifier: string | null }): Promise<string> {
  const inserted = await api.ground.dataSource.transaction((tx) => api.part(UsersService).create(tx, { ...user, name: null, oneTime: false }));
  return inserted!.id;
}

/** The token of another session. */
export async function signInAgain(api: TestApi, userId: string): Promise<string> {
  const [row] = await api.query<{ epoch: number }>('SELECT session_epoch AS epoch FROM users WHERE id = $1', [userId]);
  return (await api.part(SessionsService).begin({ userId, epoch: row!.epoch }, 'password', { address: '127.0.0.1', agent: 'test' })).token;
}

/** The code that an authenticator app shows, now or in another step. */
export const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });

/** A folder for the mails of a test. */
export class TestMailbox {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'freehold-test-mail-'));
  readonly folder = join(this.dataDir, 'mailbox');

  /** The newest mail to an address whose subject matches. */
  wait(to: string, subject: RegExp): Promise<ParsedMail> {
    return eventually(`a mail to ${to}`, async () => (await this.all()).filter((mail) => addressOf(mail) === to && subject.test(mail.subject ?? '')).at(-1), 15_000);
  }

  async all(): Promise<ParsedMail[]> {
    const names = readdirSync(this.folder).filter((name) => name.endsWith('.eml')).sort();
    return Promise.all(names.map((name) => simpleParser(readFileSync(join(this.folder, name)))));
  }

  remove(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

export const addressOf = ({ to }: ParsedMail): string | undefined => (to as AddressObject | undefined)?.value[0]?.address;

/** The token in a mail's link. */
export function tokenIn({ text, html }: ParsedMail): string {
  const token = /#(fh_[a-z]+_[A-Za-z0-9_-]{43})\b/.exec(text ?? '')?.[1];
  if (token === undefined || !String(html).includes(token)) throw new Error(`the mail has no token in both forms: ${text}`);
  return token;
}
