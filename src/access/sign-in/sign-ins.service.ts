import { Injectable } from '@nestjs/common';
import { Metadata } from '../../metadata/metadata.js';
import { ProblemError } from '../../problems/problem.js';
import { hashToken, isToken, newToken } from '../../secrets/secret-token.js';
import { SessionStore } from '../sessions/session-store.js';
import { type Credentials, CredentialsService } from '../users/credentials.service.js';
import { emailKey } from '../users/email-key.js';
import { GuessLimits } from './guess-limits.js';
import { Passwords } from './passwords.js';

/** How long the second step of a sign-in may follow the first. */
const TICKET_MS = 5 * 60_000;

/** A second factor as it is given. */
export type Proof = { readonly code: string } | { readonly recoveryCode: string };

/** Somebody did not prove who they are. Whom it was about is for the record of who did what, and for nobody who asked. */
export class CredentialsRefused extends ProblemError {
  constructor(readonly about: Credentials | undefined) {
    super('invalid-credentials', 'nobody signs in like that', { hint: 'check the address and the password, or the code' });
  }
}

/** The steps of a sign-in: what is proved, and how often it may be guessed. */
@Injectable()
export class SignInsService {
  constructor(
    private readonly metadata: Metadata,
    private readonly credentials: CredentialsService,
    private readonly passwords: Passwords,
    private readonly limits: GuessLimits,
    private readonly store: SessionStore,
  ) {}

  /**
   * Who has this address and this password. The same is done, and said, whether or not there is such a user.
   *
   * @throws CredentialsRefused; ProblemError `too-many-attempts`, `unavailable`
   */
  async checkPassword(email: string, password: string, address: string | null): Promise<Credentials> {
    const attempt = { account: emailKey(email), address };
    await this.limits.begin(attempt);
    const found = await this.credentials.findByEmail(email);
    const matches = await this.passwords.match(password, found?.verifier);
    if (!found || !matches || found.disabled) throw new CredentialsRefused(found);
    await this.limits.succeed(attempt);
    await this.strengthen(found, password);
    return found;
  }

  /** Whether it is the password of somebody who is signed in already, and does what not everybody may who sits down at their place. */
  async requireOwnPassword(userId: string, password: string, address: string | null): Promise<Credentials> {
    const attempt = { account: userId, address };
    await this.limits.begin(attempt);
    const found = await this.credentials.find(userId);
    if (!(await this.passwords.match(password, found?.verifier)) || !found) throw new CredentialsRefused(found);
    await this.limits.succeed(attempt);
    return found;
  }

  /** A ticket for the second step, told once. */
  async giveTicket({ userId, epoch }: Credentials): Promise<{ readonly ticket: string; readonly expiresAt: Date }> {
    const ticket = newToken('ticket');
    await this.store.putTicket(nameOf(ticket), { userId, epoch }, TICKET_MS);
    return { ticket, expiresAt: new Date(Date.now() + TICKET_MS) };
  }

  /**
   * Who has this ticket and a code that goes with it. Both are used up.
   *
   * @throws CredentialsRefused; ProblemError `too-many-attempts`, `unavailable`
   */
  async checkTicket(ticket: string, proof: Proof, address: string | null): Promise<Credentials> {
    const known = isToken('ticket', ticket) ? await this.store.findTicket(nameOf(ticket)) : undefined;
    const attempt = { account: `${known?.userId ?? ticket}/second-factor`, address };
    await this.limits.begin(attempt);
    const found = known && (await this.credentials.find(known.userId));
    if (!found || found.disabled || found.epoch !== known.epoch) throw new CredentialsRefused(found);
    const proved = await this.prove(found.userId, proof);
    if (!proved || !(await this.store.takeTicket(nameOf(ticket)))) throw new CredentialsRefused(found);
    await this.limits.succeed(attempt);
    return found;
  }

  private prove(userId: string, proof: Proof): Promise<boolean> {
    return this.metadata.transaction((tx) => ('code' in proof
      ? this.credentials.takeCode(tx, userId, proof.code, Date.now())
      : this.credentials.takeRecoveryCode(tx, userId, proof.recoveryCode)));
  }

  private async strengthen({ userId, verifier }: Credentials, password: string): Promise<void> {
    if (verifier === null || !this.passwords.isWeak(verifier)) return;
    await this.credentials.strengthen(userId, verifier, await this.passwords.make(password));
  }
}

const nameOf = (ticket: string): string => hashToken(ticket).toString('base64url');
