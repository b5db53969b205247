import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Action } from '../access/actions.js';
import { SessionsService } from '../access/sessions/sessions.service.js';
import { Passwords } from '../access/sign-in/passwords.js';
import { CredentialsRefused, type Proof, SignInsService } from '../access/sign-in/sign-ins.service.js';
import { totpUri } from '../access/sign-in/totp.js';
import { type Credentials, CredentialsService } from '../access/users/credentials.service.js';
import { type User, UsersService } from '../access/users/users.service.js';
import type { Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { withFullRights } from '../metadata/confine.js';
import { MailsService } from '../notifications/mails.service.js';
import { ProblemError } from '../problems/problem.js';
import { Vault } from '../secrets/vault.js';
import { accountSubject, requireUser } from './account-subject.js';
import { fingerprint } from './fingerprint.js';
import { ACCOUNT_NOTICE, type AccountNotice, writeAccountNotice } from './mails/account-notice.js';
import type { ChangePasswordBody, ConfirmFactorBody, NewFactor, OwnPasswordBody, RecoveryCodes } from './session.schemas.js';

/** A caller's own account, as it is told to them. */
export interface Account {
  readonly user: User;
  readonly credentials: Credentials;
  readonly recoveryCodesLeft: number;
}

/** What people ask of their own accounts: whatever proves who they are is asked for again before it is changed. */
@Injectable()
export class AccountRequests {
  constructor(
    private readonly changes: Changes,
    private readonly users: UsersService,
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly signIns: SignInsService,
    private readonly passwords: Passwords,
    private readonly mails: MailsService,
    private readonly vault: Vault,
  ) {
    mails.define<AccountNotice>(ACCOUNT_NOTICE, (_, notice) => Promise.resolve(writeAccountNotice(notice)));
  }

  async read(caller: Caller): Promise<Account> {
    const user = await this.changes.admitReader(caller, 'account.read', accountSubject(caller, this.users));
    const [credentials, recoveryCodesLeft] = await Promise.all([
      this.credentials.find(user.id), this.credentials.countRecoveryCodes(user.id),
    ]);
    if (!credentials) throw new Error(`the user ${user.id} has no credentials`);
    return { user, credentials, recoveryCodesLeft };
  }

  /** All other sessions of the user end. */
  async changePassword(caller: Caller, { currentPassword, newPassword }: ChangePasswordBody): Promise<Answered<undefined>> {
    const action = 'account.change-password';
    const subject = accountSubject(caller, this.users);
    const input = { currentPassword: fingerprint(this.vault, currentPassword), newPassword: fingerprint(this.vault, newPassword) };
    const look = async (user: User): Promise<string> => {
      await this.prove(caller, user, currentPassword);
      if (currentPassword === newPassword) throw unchanged();
      return this.passwords.make(newPassword);
    };
    let epoch: number | undefined;
    const answer = await this.changes.change(caller, { action, subject, input, look }, async (tx, user, verifier) => {
      await withFullRights(tx, () => this.credentials.setPassword(tx, user.id, verifier, false));
      epoch = await this.users.endSessions(tx, user.id);
      await this.tell(tx, user, 'password-changed');
      return { body: undefined };
    });
    // Without Redis this session has ended, too.
    if (epoch !== undefined) await this.sessions.keep(requireUser(caller), epoch).catch(() => undefined);
    return answer;
  }

  setUpSecondFactor(caller: Caller, { password }: OwnPasswordBody): Promise<Answered<NewFactor>> {
    const action = 'account.set-up-second-factor';
    return this.changeProved(caller, action, password, {}, async (tx, user) => {
      const secret = await this.credentials.drawSecondFactor(tx, user.id);
      if (secret === undefined) {
        throw new ProblemError('second-factor-exists', 'there is a second factor', { hint: 'remove it before another is set up' });
      }
      return { secret, uri: totpUri(secret, user.email) };
    });
  }

  /** From then on a sign-in asks for it. */
  confirmSecondFactor(caller: Caller, { code }: ConfirmFactorBody): Promise<Answered<RecoveryCodes>> {
    const action = 'account.confirm-second-factor';
    const change = { action, subject: accountSubject(caller, this.users), input: { code } } as const;
    return this.changes.change(caller, change, async (tx, user) => {
      const recoveryCodes = await withFullRights(tx, async () => {
        if (!(await this.credentials.confirmSecondFactor(tx, user.id, code, Date.now()))) {
          throw new ProblemError('no-second-factor', 'the code is not one of a second factor that waits to be confirmed', {
            hint: 'set one up, and give a code that the app shows now',
          });
        }
        return this.credentials.renewRecoveryCodes(tx, user.id);
      });
      return { body: { recoveryCodes } };
    });
  }

  async removeSecondFactor(caller: Caller, password: string, proof: Proof): Promise<Answered<undefined>> {
    const action = 'account.remove-second-factor';
    return this.changeProved(caller, action, password, proof, async (tx, user) => {
      const proved = 'code' in proof
        ? await this.credentials.takeCode(tx, user.id, proof.code, Date.now())
        : await this.credentials.takeRecoveryCode(tx, user.id, proof.recoveryCode);
      if (!proved) {
        throw new ProblemError('no-second-factor', 'the code is not one of the second factor', { hint: 'give one that was not used' });
      }
      await this.credentials.removeSecondFactor(tx, user.id);
      await this.tell(tx, user, 'second-factor-removed');
      return undefined;
    });
  }

  /** Those before end. */
  renewRecoveryCodes(caller: Caller, { password }: OwnPasswordBody): Promise<Answered<RecoveryCodes>> {
    return this.changeProved(caller, 'account.renew-recovery-codes', password, {}, async (tx, user) => {
      if (!(await this.credentials.find(user.id))?.hasSecondFactor) {
        throw new ProblemError('no-second-factor', 'there is no second factor', { hint: 'set one up first' });
      }
      return { recoveryCodes: await this.credentials.renewRecoveryCodes(tx, user.id) };
    });
  }

  /** A change of what proves who somebody is, for those who give their password with it. */
  private changeProved<Body>(
    caller: Caller, action: Action, password: string, input: object, work: (tx: EntityManager, user: User) => Promise<Body>,
  ): Promise<Answered<Body>> {
    const look = (user: User): Promise<void> => this.prove(caller, user, password);
    const subject = accountSubject(caller, this.users);
    const change = { action, subject, input: { ...input, password: fingerprint(this.vault, password) }, look };
    return this.changes.change(caller, change, async (tx, user) => ({ body: await withFullRights(tx, () => work(tx, user)) }));
  }

  /** Somebody who sits down at a place where another is signed in does not know the password. */
  private async prove(caller: Caller, { id }: User, password: string): Promise<void> {
    try {
      await this.signIns.requireOwnPassword(id, password, caller.address);
    } catch (error) {
      if (error instanceof CredentialsRefused) {
        throw new ProblemError('wrong-password', 'that is not your password', { hint: 'give the one that you sign in with' });
      }
      throw error;
    }
  }

  /** Tells the user, who may not be the one who did it. */
  private tell(tx: EntityManager, { email }: User, what: AccountNotice['what']): Promise<void> {
    return this.mails.post(tx, ACCOUNT_NOTICE, email, { what, at: new Date().toISOString() } satisfies AccountNotice);
  }
}

const unchanged = (): ProblemError => new ProblemError('weak-password', 'the new password is the one before', {
  hint: 'choose another', fields: [{ field: 'newPassword', message: 'must be another one than before' }],
});
