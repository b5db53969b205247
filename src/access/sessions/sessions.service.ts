import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { newId } from '../../metadata/ids.js';
import { Metadata } from '../../metadata/metadata.js';
import { poolOf } from '../../metadata/pool-of.js';
import { hashToken, isToken, newToken } from '../../secrets/secret-token.js';
import type { UserActor, UserRole } from '../actor.js';
import { owedBy } from './owed-by.js';
import { type KeptSession, type SessionRecord, SessionStore } from './session-store.js';

/** Where a session is begun from. */
export interface Origin {
  readonly address: string | null;
  readonly agent: string | null;
}

/** A session as whoever began it is told. */
export interface NewSession {
  /** Told once; only its hash is kept. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** What is asked of the metadata at each request: what a user may ends with the change that ends it. */
interface UserRow {
  readonly role: UserRole;
  readonly customerId: string | null;
  readonly epoch: number;
  readonly disabled: boolean;
  readonly oneTime: boolean;
  readonly hasSecondFactor: boolean;
}

const LONGEST_AGENT = 200;

/**
 * Who is signed in. A session lives in Redis and is believed only as far as the metadata agrees: the epoch that it was begun in is
 * still the user's, and the user is not disabled. So a Redis that came back with sessions of yesterday lets nobody in who was
 * signed out since.
 */
@Injectable()
export class SessionsService {
  private readonly idleMs: number;
  private readonly totalMs: number;
  private readonly needsSecondFactor: boolean;

  constructor(private readonly store: SessionStore, private readonly metadata: Metadata, @Inject(SETTINGS) settings: Settings) {
    this.idleMs = settings.FREEHOLD_SESSION_IDLE_SECONDS * 1000;
    this.totalMs = settings.FREEHOLD_SESSION_SECONDS * 1000;
    this.needsSecondFactor = settings.FREEHOLD_OPERATOR_SECOND_FACTOR === 'required';
  }

  async begin(user: { readonly userId: string; readonly epoch: number }, by: SessionRecord['by'], origin: Origin): Promise<NewSession> {
    const token = newToken('session');
    const now = Date.now();
    const expiresAt = now + this.totalMs;
    await this.store.put(nameOf(token), {
      id: newId('session'), userId: user.userId, epoch: user.epoch, by, createdAt: now, expiresAt,
      address: origin.address, agent: origin.agent?.slice(0, LONGEST_AGENT) ?? null,
    }, this.idleMs);
    return { token, expiresAt: new Date(expiresAt) };
  }

  /** Who is signed in by this token; undefined if nobody is, any more. */
  async authenticate(token: string): Promise<UserActor | undefined> {
    if (!isToken('session', token)) return undefined;
    const hash = nameOf(token);
    const record = await this.store.find(hash);
    const actor = record && (await this.actorOf(hash, record));
    if (actor) await this.store.touch(hash, record, this.idleMs);
    return actor;
  }

  /** Whether the session that an actor was let in by would let them in still, as far as before. To ask is not to use it. */
  async isValid(actor: UserActor): Promise<boolean> {
    const record = await this.store.find(actor.session.hash);
    const found = record && (await this.actorOf(actor.session.hash, record));
    return found?.role === actor.role && found.owes === actor.owes;
  }

  async list(userId: string): Promise<KeptSession[]> {
    const user = await this.findUser(userId);
    return (await this.store.list(userId)).filter(({ epoch }) => epoch === user?.epoch);
  }

  /** Ends one session of a user; false if there is none of that id. */
  async end(userId: string, id: string): Promise<boolean> {
    const found = (await this.store.list(userId)).find((session) => session.id === id);
    if (!found) return false;
    await this.store.remove(userId, [found.hash]);
    return true;
  }

  /** Takes a session over into the epoch that has begun, in which all others have ended. */
  async keep(actor: UserActor, epoch: number): Promise<void> {
    const sessions = await this.store.list(actor.id);
    const kept = sessions.find(({ hash }) => hash === actor.session.hash);
    await this.store.remove(actor.id, sessions.map(({ hash }) => hash).filter((hash) => hash !== actor.session.hash));
    if (!kept) return;
    const { hash, lastUsedAt: _, ...record } = kept;
    await this.store.put(hash, { ...record, epoch }, this.idleMs);
  }

  /** Clears away sessions that have ended with their epoch. */
  async forget(userId: string): Promise<void> {
    await this.store.remove(userId, (await this.store.list(userId)).map(({ hash }) => hash));
  }

  private async actorOf(hash: string, record: SessionRecord): Promise<UserActor | undefined> {
    const user = await this.findUser(record.userId);
    if (!user || user.disabled || user.epoch !== record.epoch) return undefined;
    const owes = owedBy({ ...user, by: record.by, needsSecondFactor: this.needsSecondFactor });
    return { type: 'user', id: record.userId, role: user.role, customerId: user.customerId, session: { id: record.id, hash }, owes };
  }

  private async findUser(id: string): Promise<UserRow | undefined> {
    const { rows } = await poolOf(this.metadata.dataSource).query<UserRow>({ name: 'find_user', text: FIND, values: [id] });
    return rows[0];
  }
}

const nameOf = (token: string): string => hashToken(token).toString('base64url');

const FIND = `
  SELECT u.role, u.customer_id AS "customerId", u.session_epoch AS epoch, u.disabled_at IS NOT NULL AS disabled,
         c.one_time AS "oneTime", c.totp_confirmed_at IS NOT NULL AS "hasSecondFactor"
    FROM users u JOIN user_credentials c ON c.user_id = u.id WHERE u.id = $1`;
