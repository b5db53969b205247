import { Inject, Injectable } from '@nestjs/common';
import { NO_SUBJECT } from '../access/subject.js';
import { SessionsService } from '../access/sessions/sessions.service.js';
import { LetterLimits } from '../access/sign-in/letter-limits.js';
import { Passwords } from '../access/sign-in/passwords.js';
import { CredentialsService } from '../access/users/credentials.service.js';
import { emailKey } from '../access/users/email-key.js';
import { UsersService } from '../access/users/users.service.js';
import { type Caller, systemCaller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { publicUrlOf } from '../config/public-url.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Letter } from '../notifications/letter.js';
import { MailsService } from '../notifications/mails.service.js';
import { hashToken, isToken, newToken } from '../secrets/secret-token.js';
import { invalidToken } from './invitation.requests.js';
import { RESET_MAIL, type ResetMail, writeReset } from './mails/reset-mail.js';
import type { UseResetBody } from './user.schemas.js';

const VALID_MINUTES = 60;
const PART = 'password-reset';

/**
 * New passwords for those who have lost theirs. A request does the same for every address: whether it is a user's is looked at by the
 * worker, when the mail is made.
 */
@Injectable()
export class PasswordResetRequests {
  private readonly publicUrl: string;

  constructor(
    private readonly changes: Changes,
    private readonly metadata: Metadata,
    private readonly users: UsersService,
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly passwords: Passwords,
    private readonly limits: LetterLimits,
    private readonly mails: MailsService,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.publicUrl = publicUrlOf(settings);
    mails.define<ResetMail>(RESET_MAIL, (recipient, data) => this.compose(recipient, data));
  }

  /** @throws ProblemError `rate-limited` for an address of the network that asks for many */
  async request(from: Pick<Caller, 'requestId' | 'address'>, email: string): Promise<void> {
    if (!(await this.limits.mayWrite(emailKey(email), from.address))) return;
    const token = newToken('reset');
    const caller = { ...systemCaller(PART), ...from };
    await this.changes.change(caller, { action: 'password-reset.request', subject: NO_SUBJECT }, async (tx) => {
      await tx.query("DELETE FROM password_resets WHERE expires_at < now() - interval '1 day'");
      const [made] = await queryRows<{ expiresAt: Date }>(tx,
        `INSERT INTO password_resets (hash, email_key, expires_at) VALUES ($1, $2, now() + make_interval(mins => $3))
         RETURNING expires_at AS "expiresAt"`, [hashToken(token), emailKey(email), VALID_MINUTES]);
      if (!made) throw new Error('the reset was not written down');
      await this.mails.post(tx, RESET_MAIL, email, { token, expiresAt: made.expiresAt.toISOString() } satisfies ResetMail);
      return { body: undefined };
    });
  }

  /** Ends all sessions of the user, and every other reset. A second factor is still asked for. */
  async use(from: Pick<Caller, 'requestId' | 'address'>, { token, password }: UseResetBody): Promise<void> {
    const userId = isToken('reset', token) ? await this.findUser(token) : undefined;
    if (userId === undefined) throw invalidToken();
    const verifier = await this.passwords.make(password);
    const caller = { ...systemCaller(PART), ...from };
    await this.changes.change(caller, { action: 'password-reset.use', subject: NO_SUBJECT }, async (tx) => {
      const [taken] = await queryRows<{ emailKey: string }>(tx,
        `UPDATE password_resets SET used_at = now() WHERE hash = $1 AND ${USABLE} RETURNING email_key AS "emailKey"`, [hashToken(token)]);
      if (!taken) throw invalidToken();
      await tx.query('UPDATE password_resets SET used_at = now() WHERE email_key = $1 AND used_at IS NULL', [taken.emailKey]);
      await this.credentials.setPassword(tx, userId, verifier, false);
      await this.users.endSessions(tx, userId);
      const customerId = (await this.credentials.find(userId))?.customerId ?? null;
      return { body: undefined, made: { id: userId, customerId } };
    });
    await this.sessions.forget(userId).catch(() => undefined);
  }

  private async findUser(token: string): Promise<string | undefined> {
    const [row] = await queryRows<{ id: string }>(this.metadata.dataSource.manager,
      `SELECT u.id FROM password_resets r JOIN users u ON u.email_key = r.email_key JOIN user_credentials c ON c.user_id = u.id
        WHERE r.hash = $1 AND ${USABLE} AND u.disabled_at IS NULL AND c.verifier IS NOT NULL`, [hashToken(token)]);
    return row?.id;
  }

  private async compose(recipient: string, data: ResetMail): Promise<Letter | undefined> {
    const found = await this.credentials.findByEmail(recipient);
    if (!found || found.disabled || found.verifier === null || Date.parse(data.expiresAt) < Date.now()) return undefined;
    return { ...writeReset(data, this.publicUrl), to: found.email };
  }
}

const USABLE = 'used_at IS NULL AND expires_at > now()';
