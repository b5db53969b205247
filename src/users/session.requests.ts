import { Inject, Injectable } from '@nestjs/common';
import type { Action } from '../access/actions.js';
import type { UserActor } from '../access/actor.js';
import { type NewSession, type Origin, SessionsService } from '../access/sessions/sessions.service.js';
import { CredentialsRefused, type Proof, SignInsService } from '../access/sign-in/sign-ins.service.js';
import type { ProvedOperator } from '../access/sign-in/judge-claims.js';
import { NO_SUBJECT } from '../access/subject.js';
import { type Credentials, CredentialsService } from '../access/users/credentials.service.js';
import { type User, UsersService } from '../access/users/users.service.js';
import { type Caller, systemCaller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { Metadata } from '../metadata/metadata.js';
import { EVERYTHING } from '../metadata/reach.js';
import { notFound } from '../problems/problem.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { accountSubject, requireUser } from './account-subject.js';

/** Who asks before it is known who that is. */
export type Stranger = Pick<Caller, 'requestId'> & Origin;

/** What the steps of a sign-in come to. */
export type SignedIn =
  | { readonly state: 'second-factor-required'; readonly ticket: string; readonly expiresAt: Date }
  | { readonly state: 'signed-in'; readonly session: NewSession; readonly user: User; readonly actor: UserActor };

export interface OwnSession {
  readonly id: string;
  readonly current: boolean;
  readonly address: string | null;
  readonly agent: string | null;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
}

/** What is asked of sessions: to begin, to see and to end them. */
@Injectable()
export class SessionRequests {
  constructor(
    private readonly changes: Changes,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly signIns: SignInsService,
    private readonly credentials: CredentialsService,
    private readonly metadata: Metadata,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** The first step, with a password that was checked by its strategy. */
  async begin(stranger: Stranger, check: () => Promise<Credentials>): Promise<SignedIn> {
    const found = await this.tellRefusal(stranger, 'session.create', check);
    if (found.hasSecondFactor) return { state: 'second-factor-required', ...(await this.signIns.giveTicket(found)) };
    return this.signIn(stranger, 'session.create', found, 'password');
  }

  /** The second step, with the ticket of the first. */
  async confirm(stranger: Stranger, ticket: string, proof: Proof): Promise<SignedIn> {
    const check = (): Promise<Credentials> => this.signIns.checkTicket(ticket, proof, stranger.address);
    const found = await this.tellRefusal(stranger, 'session.confirm', check);
    return this.signIn(stranger, 'session.confirm', found, 'code' in proof ? 'code' : 'recovery-code');
  }

  /**
   * Whom a provider has proved to be an operator; they become one at their first sign-in.
   *
   * @throws CredentialsRefused for anybody else, for who is disabled, and for an address that somebody signs in with otherwise
   */
  async beginByProvider(stranger: Stranger, proved: ProvedOperator | undefined): Promise<SignedIn> {
    const action = 'session.create-by-provider';
    const found = await this.tellRefusal(stranger, action, async () => {
      const user = proved && (await this.provideOperator(stranger, proved));
      const credentials = user && (await this.credentials.find(user.id));
      if (!credentials || credentials.disabled) throw new CredentialsRefused(credentials);
      return credentials;
    });
    return this.signIn(stranger, action, found, 'provider');
  }

  /** All of the caller's own, the one that was used last first. */
  async list(caller: Caller): Promise<OwnSession[]> {
    const user = await this.changes.admitReader(caller, 'session.list', accountSubject(caller, this.users));
    const { session } = requireUser(caller);
    const all = await this.sessions.list(user.id);
    return all.map(({ id, address, agent, createdAt, lastUsedAt, expiresAt }) =>
      ({ id, current: id === session.id, address, agent, createdAt, lastUsedAt, expiresAt }));
  }

  /** @param id of one of the caller's own; the one that asks if it is left out */
  async end(caller: Caller, id?: string): Promise<void> {
    const change = { action: 'session.end', subject: accountSubject(caller, this.users) } as const;
    const user = await this.changes.admit(caller, change);
    const ended = id ?? requireUser(caller).session.id;
    if (!(await this.sessions.end(user.id, ended))) throw notFound();
    await this.changes.note(caller, change, user, { session: ended });
  }

  async endAll(caller: Caller): Promise<void> {
    await this.changes.change(caller, { action: 'session.end-all', subject: accountSubject(caller, this.users) }, async (tx, user) => {
      await this.users.endSessions(tx, user.id);
      return { body: undefined };
    });
    await this.sessions.forget(requireUser(caller).id).catch(() => undefined);
  }

  /** Undefined if their address is somebody else's: a provider is not asked whose passwords here are whose. */
  private async provideOperator({ requestId, address }: Stranger, { externalId, email, name }: ProvedOperator): Promise<User | undefined> {
    const known = await this.users.findExternal(this.metadata.dataSource.manager, externalId);
    if (known) return known;
    const caller = { ...systemCaller('sign-in'), requestId, address };
    const { body } = await this.changes.change(caller, { action: 'user.create', subject: NO_SUBJECT }, async (tx) => {
      const user = await this.users.create(tx, {
        customerId: null, role: 'operator', email, name, verifier: null, externalId, oneTime: false,
      });
      return { body: user, made: { id: user?.id ?? externalId, customerId: null }, detail: { role: 'operator', by: 'provider' } };
    });
    return body;
  }

  private async signIn(stranger: Stranger, action: Action, found: Credentials, how: string): Promise<SignedIn> {
    const session = await this.sessions.begin(found, how === 'provider' ? 'provider' : 'password', stranger);
    const actor = await this.sessions.authenticate(session.token);
    const user = await this.users.find(EVERYTHING, found.userId);
    if (!actor || !user) throw new CredentialsRefused(found);
    const subject = { id: actor.session.id, find: () => Promise.resolve(user), ownerOf: () => user.customerId ?? undefined };
    await this.changes.note({ actor, requestId: stranger.requestId, address: stranger.address }, { action, subject }, user, { how });
    await this.users.noteSignIn(user.id);
    return { state: 'signed-in', session, user, actor };
  }

  /** Writes a refusal down for the customer whose user it was about, and answers it as any other. */
  private async tellRefusal(stranger: Stranger, action: Action, check: () => Promise<Credentials>): Promise<Credentials> {
    try {
      return await check();
    } catch (error) {
      if (error instanceof CredentialsRefused) {
        const refused = { action, subjectId: error.about?.userId ?? null, customerId: error.about?.customerId ?? null };
        await this.changes.noteRefused({ ...systemCaller('sign-in'), ...stranger }, refused, error.problem)
          .catch((failure: unknown) => this.log.error({ err: failure, action }, 'a refusal could not be written down'));
      }
      throw error;
    }
  }
}
