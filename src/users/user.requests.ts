import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Action } from '../access/actions.js';
import { NO_SUBJECT, type Subject } from '../access/subject.js';
import { SessionsService } from '../access/sessions/sessions.service.js';
import { Passwords } from '../access/sign-in/passwords.js';
import { CredentialsService } from '../access/users/credentials.service.js';
import { type User, type UserFilter, UsersService } from '../access/users/users.service.js';
import type { Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { CustomersService } from '../customers/customers.service.js';
import { EVERYTHING } from '../metadata/reach.js';
import { ProblemError } from '../problems/problem.js';
import { Vault } from '../secrets/vault.js';
import { fingerprint } from './fingerprint.js';
import { describeUser, type NewUserBody, type ResetUserBody, type UserDocument, type UserPassword } from './user.schemas.js';

/** What is asked of users by others than themselves. */
@Injectable()
export class UserRequests {
  constructor(
    private readonly changes: Changes,
    private readonly users: UsersService,
    private readonly customers: CustomersService,
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly passwords: Passwords,
    private readonly vault: Vault,
  ) {}

  async list(caller: Caller, filter: UserFilter): Promise<User[]> {
    return this.users.list(await this.changes.reachFor(caller, 'user.list'), filter);
  }

  async read(caller: Caller, id: string): Promise<UserDocument> {
    return describeUser(await this.changes.admitReader(caller, 'user.read', this.subject(id)));
  }

  /** Makes a user with a password that has to be changed at the first sign-in. */
  create(caller: Caller, { password, ...input }: NewUserBody): Promise<Answered<UserPassword>> {
    const chosen = password ?? newOneTimePassword();
    const change = {
      action: 'user.create', subject: NO_SUBJECT, input: { ...input, password: this.mark(password) },
      look: async () => {
        await this.requireCustomer(input);
        return this.passwords.make(chosen);
      },
    } as const;
    return this.changes.change(caller, change, async (tx, _, verifier) => {
      const { email, role, name = null, customerId = null } = input;
      const user = await this.users.create(tx, { email, role, name, customerId, verifier, oneTime: true });
      if (!user) throw userExists();
      return { body: { user: describeUser(user), password: chosen }, made: { id: user.id, customerId }, detail: { role } };
    });
  }

  /** Gives a user a password that has to be changed at the next sign-in, and signs them out. */
  async reset(caller: Caller, id: string, { password, secondFactor }: ResetUserBody): Promise<Answered<UserPassword>> {
    const chosen = password ?? newOneTimePassword();
    const change = {
      action: 'user.reset', subject: this.subject(id), input: { password: this.mark(password), secondFactor },
      look: () => this.passwords.make(chosen),
    } as const;
    const answer = await this.changes.change(caller, change, async (tx, user, verifier) => {
      await this.credentials.setPassword(tx, id, verifier, true);
      if (secondFactor) await this.credentials.removeSecondFactor(tx, id);
      await this.users.endSessions(tx, id);
      return { body: { user: describeUser(user), password: chosen }, detail: { secondFactor } };
    });
    await this.forgetSessions(id);
    return answer;
  }

  setRole(caller: Caller, id: string, role: 'owner' | 'member'): Promise<Answered<UserDocument>> {
    return this.change(caller, 'user.set-role', id, { role }, async (tx, user) => {
      if (user.role === 'operator') {
        throw new ProblemError('invalid-request', 'an operator is no customer\'s user', {
          fields: [{ field: 'role', message: 'cannot be changed for an operator' }],
        });
      }
      if (role !== 'owner') await this.requireOtherOwner(tx, user);
      return this.users.setRole(tx, id, role);
    });
  }

  async disable(caller: Caller, id: string): Promise<Answered<UserDocument>> {
    const answer = await this.change(caller, 'user.disable', id, {}, async (tx, user) => {
      await this.requireOtherOwner(tx, user);
      return this.users.disable(tx, id);
    });
    await this.forgetSessions(id);
    return answer;
  }

  enable(caller: Caller, id: string): Promise<Answered<UserDocument>> {
    return this.change(caller, 'user.enable', id, {}, (tx) => this.users.enable(tx, id));
  }

  async remove(caller: Caller, id: string): Promise<Answered<undefined>> {
    const answer = await this.changes.change(caller, { action: 'user.remove', subject: this.subject(id) }, async (tx, user) => {
      await this.requireOtherOwner(tx, user);
      await this.users.remove(tx, id);
      return { body: undefined, detail: { role: user.role } };
    });
    await this.forgetSessions(id);
    return answer;
  }

  private change(
    caller: Caller, action: Action, id: string, input: Readonly<Record<string, unknown>>,
    work: (tx: EntityManager, user: User) => Promise<User>,
  ): Promise<Answered<UserDocument>> {
    return this.changes.change(caller, { action, subject: this.subject(id), input }, async (tx, user) => (
      { body: describeUser(await work(tx, user)), detail: input }
    ));
  }

  /** @throws ProblemError `last-owner` */
  private async requireOtherOwner(tx: EntityManager, { id, customerId, role, disabledAt }: User): Promise<void> {
    if (customerId === null || role !== 'owner' || disabledAt !== null) return;
    const owners = await this.users.lockOwners(tx, customerId);
    if (owners.some((owner) => owner !== id)) return;
    throw new ProblemError('last-owner', 'the customer has no other owner', { hint: 'make another user an owner first' });
  }

  private async requireCustomer({ role, customerId }: Pick<NewUserBody, 'role' | 'customerId'>): Promise<void> {
    if ((role === 'operator') !== (customerId === undefined)) {
      throw faultyCustomer(role === 'operator' ? 'is none of an operator' : 'is required');
    }
    if (customerId !== undefined && !(await this.customers.find(EVERYTHING, customerId))) throw faultyCustomer('is no customer');
  }

  /** What has ended in the metadata is only cleared away: a Redis that is away changes nothing. */
  private forgetSessions(id: string): Promise<void> {
    return this.sessions.forget(id).catch(() => undefined);
  }

  private mark(password: string | undefined): string | null {
    return password === undefined ? null : fingerprint(this.vault, password);
  }

  private subject(id: string): Subject<User> {
    return { id, find: (reach) => this.users.find(reach, id), ownerOf: ({ customerId }) => customerId ?? undefined };
  }
}

/** 120 random bits in groups that can be read out. */
function newOneTimePassword(): string {
  return randomBytes(15).toString('hex').replaceAll(/(.{6})(?=.)/g, '$1-');
}

export const userExists = (): ProblemError =>
  new ProblemError('user-exists', 'somebody signs in with this address already', { hint: 'use another address, or change that user' });

const faultyCustomer = (message: string): ProblemError =>
  new ProblemError('invalid-request', `customerId ${message}`, { fields: [{ field: 'customerId', message }] });
