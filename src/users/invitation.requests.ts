import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NO_SUBJECT, type Subject } from '../access/subject.js';
import { Passwords } from '../access/sign-in/passwords.js';
import { emailKey } from '../access/users/email-key.js';
import { UsersService } from '../access/users/users.service.js';
import { type Caller, systemCaller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { publicUrlOf } from '../config/public-url.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { CustomerEntity } from '../customers/customer.entity.js';
import { CustomersService } from '../customers/customers.service.js';
import { queryRows } from '../metadata/query-rows.js';
import { EVERYTHING } from '../metadata/reach.js';
import type { Letter } from '../notifications/letter.js';
import { MailsService } from '../notifications/mails.service.js';
import { ProblemError } from '../problems/problem.js';
import { isToken, newToken } from '../secrets/secret-token.js';
import { type Invitation, InvitationsService } from './invitations.service.js';
import { INVITATION_MAIL, type InvitationMail, writeInvitation, writeInvitationToUser } from './mails/invitation-mail.js';
import { userExists } from './user.requests.js';
import { type AcceptBody, describeUser, type InvitationDocument, type NewInvitationBody, type UserDocument } from './user.schemas.js';

const OPEN_AT_ONCE = 50;

/** What is asked of invitations. Whether an invited address is a user's elsewhere is told to that address alone. */
@Injectable()
export class InvitationRequests {
  private readonly publicUrl: string;

  constructor(
    private readonly changes: Changes,
    private readonly invitations: InvitationsService,
    private readonly customers: CustomersService,
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly mails: MailsService,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.publicUrl = publicUrlOf(settings);
    mails.define<InvitationMail>(INVITATION_MAIL, (recipient, data) => this.compose(recipient, data));
  }

  create(caller: Caller, customerId: string, input: NewInvitationBody): Promise<Answered<InvitationDocument>> {
    const subject: Subject<CustomerEntity> = {
      id: customerId, find: (reach) => this.customers.find(reach, customerId), ownerOf: ({ id }) => id,
    };
    return this.changes.change(caller, { action: 'invitation.create', subject, input }, async (tx) => {
      const invitation = await this.invite(tx, caller, customerId, input);
      return { body: describeInvitation(invitation), made: { id: invitation.id, customerId }, detail: { role: input.role } };
    });
  }

  createForOperator(caller: Caller, { email }: { readonly email: string }): Promise<Answered<InvitationDocument>> {
    return this.changes.change(caller, { action: 'operator.invite', subject: NO_SUBJECT, input: { email } }, async (tx) => {
      const invitation = await this.invite(tx, caller, null, { email, role: 'operator' });
      return { body: describeInvitation(invitation), made: { id: invitation.id, customerId: null } };
    });
  }

  async list(
    caller: Caller, filter: { readonly customerId?: string | undefined; readonly before?: string | undefined; readonly limit: number },
  ): Promise<Invitation[]> {
    return this.invitations.list(await this.changes.reachFor(caller, 'invitation.list'), filter);
  }

  revoke(caller: Caller, id: string): Promise<Answered<undefined>> {
    const subject: Subject<Invitation> = {
      id, find: (reach) => this.invitations.find(reach, id), ownerOf: ({ customerId }) => customerId ?? undefined,
    };
    return this.changes.change(caller, { action: 'invitation.revoke', subject }, async (tx) => {
      await this.invitations.revoke(tx, id);
      return { body: undefined };
    });
  }

  /** Whoever has the token from the mail becomes the user. */
  async accept(from: Pick<Caller, 'requestId' | 'address'>, { token, password, name }: AcceptBody): Promise<UserDocument> {
    // Nothing is worked out for a token that nobody was sent.
    if (!isToken('invitation', token) || !(await this.invitations.findByToken(token))) throw invalidToken();
    const verifier = await this.passwords.make(password);
    const caller = { ...systemCaller('invitation'), ...from };
    const { body } = await this.changes.change(caller, { action: 'invitation.accept', subject: NO_SUBJECT }, async (tx) => {
      const invitation = await this.invitations.take(tx, token);
      const user = invitation && (await this.users.create(tx, { ...invitation, name: name ?? null, verifier, oneTime: false }));
      if (!user) throw invalidToken();
      return { body: describeUser(user), made: { id: user.id, customerId: user.customerId }, detail: { invitation: invitation.id } };
    });
    return body;
  }

  private async invite(
    tx: EntityManager, { actor }: Caller, customerId: string | null, { email, role }: Pick<Invitation, 'email' | 'role'>,
  ): Promise<Invitation> {
    const known = await queryRows(tx,
      'SELECT id FROM users WHERE customer_id IS NOT DISTINCT FROM $1 AND email_key = $2', [customerId, emailKey(email)]);
    if (known.length > 0) throw userExists();
    const token = newToken('invitation');
    const invitation = await this.invitations.create(tx, { customerId, role, email, invitedBy: actor.id, token });
    if ((await this.invitations.countOpen(tx, customerId)) > OPEN_AT_ONCE) {
      throw new ProblemError('too-many-invitations', `there are ${OPEN_AT_ONCE} open invitations`, {
        hint: 'revoke those that are not wanted',
      });
    }
    await this.mails.post(tx, INVITATION_MAIL, email, { invitationId: invitation.id, token } satisfies InvitationMail);
    return invitation;
  }

  private async compose(recipient: string, data: InvitationMail): Promise<Letter | undefined> {
    const invitation = await this.invitations.find(EVERYTHING, data.invitationId);
    if (!invitation || stateOf(invitation) !== 'open') return undefined;
    const { customerId, role, expiresAt } = invitation;
    const to = customerId === null ? null : ((await this.customers.find(EVERYTHING, customerId))?.name ?? null);
    const user = await this.users.findByEmail(recipient);
    return user ? { ...writeInvitationToUser(to), to: user.email } : writeInvitation(data, to, role, expiresAt, this.publicUrl);
  }
}

export const invalidToken = (): ProblemError =>
  new ProblemError('invalid-token', 'the token is not one that can be used', { hint: 'ask for a new one' });

function stateOf({ acceptedAt, revokedAt, expiresAt }: Invitation): InvitationDocument['state'] {
  if (acceptedAt) return 'accepted';
  if (revokedAt) return 'revoked';
  return expiresAt.getTime() > Date.now() ? 'open' : 'expired';
}

export function describeInvitation(invitation: Invitation): InvitationDocument {
  const { id, customerId, role, email, createdAt, expiresAt } = invitation;
  return {
    id, customerId, role, email, state: stateOf(invitation), createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString(),
  };
}
