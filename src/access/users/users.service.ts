import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../metadata/ids.js';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { EVERYTHING, type Reach } from '../../metadata/reach.js';
import { writeSelect } from '../../metadata/select.js';
import type { UserRole } from '../actor.js';
import { emailKey } from './email-key.js';

/** A person who signs in. */
export interface User {
  readonly id: string;
  /** Null for an operator. */
  readonly customerId: string | null;
  readonly role: UserRole;
  readonly email: string;
  readonly name: string | null;
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
}

export interface NewUser {
  readonly customerId: string | null;
  readonly role: UserRole;
  readonly email: string;
  readonly name: string | null;
  /** Null for who signs in elsewhere. */
  readonly verifier: string | null;
  /** Who they are there. */
  readonly externalId?: string;
  /** Whether somebody else has seen the password. */
  readonly oneTime: boolean;
}

export interface UserFilter {
  readonly id?: string | undefined;
  readonly customerId?: string | undefined;
  readonly role?: UserRole | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** People: who there is, made and ended here. */
@Injectable()
export class UsersService {
  constructor(private readonly metadata: Metadata) {}

  list(reach: Reach, { id, customerId, role, before, limit }: UserFilter): Promise<User[]> {
    const conditions = { 'id = ?': id, 'customer_id = ?': customerId, 'role = ?': role, 'id < ?': before };
    return this.metadata.select(reach, writeSelect(SELECT_USERS, conditions, reach, 'customer_id', 'ORDER BY id DESC LIMIT ?', limit));
  }

  async find(reach: Reach, id: string): Promise<User | undefined> {
    return (await this.list(reach, { id, limit: 1 }))[0];
  }

  async findByEmail(email: string): Promise<User | undefined> {
    const select = writeSelect(SELECT_USERS, { 'email_key = ?': emailKey(email) }, EVERYTHING, 'customer_id', 'LIMIT ?', 1);
    return (await this.metadata.select<User>(EVERYTHING, select))[0];
  }

  /** The operator whom a provider knows by this name. */
  async findExternal(tx: EntityManager, externalId: string): Promise<User | undefined> {
    return (await queryRows<User>(tx, `${SELECT_USERS} WHERE external_id = $1 AND role = 'operator'`, [externalId]))[0];
  }

  /** Undefined if the address is somebody's already. */
  async create(
    tx: EntityManager, { customerId, role, email, name, verifier, externalId, oneTime }: NewUser,
  ): Promise<User | undefined> {
    const [user] = await queryRows<User>(tx,
      `INSERT INTO users (id, customer_id, role, email, email_key, name, external_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (email_key) DO NOTHING RETURNING ${COLUMNS}`,
      [newId('user'), customerId, role, email, emailKey(email), name, externalId ?? null]);
    if (!user) return undefined;
    await tx.query('INSERT INTO user_credentials (user_id, verifier, one_time) VALUES ($1, $2, $3)', [user.id, verifier, oneTime]);
    return user;
  }

  /**
   * Locks those who may act for a customer, and tells who they are: that one is left has to be true until the commit, also if another
   * is being removed at the same time.
   */
  async lockOwners(tx: EntityManager, customerId: string): Promise<readonly string[]> {
    const rows = await queryRows<{ id: string }>(tx,
      `SELECT id FROM users WHERE customer_id = $1 AND role = 'owner' AND disabled_at IS NULL ORDER BY id FOR UPDATE`, [customerId]);
    return rows.map(({ id }) => id);
  }

  setRole(tx: EntityManager, id: string, role: UserRole): Promise<User> {
    return this.update(tx, id, 'role = $2', role);
  }

  /** Also ends their sessions. */
  disable(tx: EntityManager, id: string): Promise<User> {
    return this.update(tx, id, 'disabled_at = coalesce(disabled_at, now()), session_epoch = session_epoch + 1');
  }

  enable(tx: EntityManager, id: string): Promise<User> {
    return this.update(tx, id, 'disabled_at = NULL');
  }

  /** All sessions of the user end, once this is committed; answers with the epoch of those that begin from then on. */
  async endSessions(tx: EntityManager, id: string): Promise<number> {
    const [row] = await queryRows<{ epoch: number }>(tx,
      'UPDATE users SET session_epoch = session_epoch + 1 WHERE id = $1 RETURNING session_epoch AS epoch', [id]);
    if (!row) throw new Error(`there is no user ${id}`);
    return row.epoch;
  }

  async remove(tx: EntityManager, id: string): Promise<void> {
    await tx.query('DELETE FROM users WHERE id = $1', [id]);
  }

  async noteSignIn(id: string): Promise<void> {
    await this.metadata.dataSource.query('UPDATE users SET last_sign_in_at = now() WHERE id = $1', [id]);
  }

  private async update(tx: EntityManager, id: string, change: string, ...values: unknown[]): Promise<User> {
    const [user] = await queryRows<User>(tx, `UPDATE users SET ${change} WHERE id = $1 RETURNING ${COLUMNS}`, [id, ...values]);
    if (!user) throw new Error(`there is no user ${id}`);
    return user;
  }
}

const COLUMNS = `id, customer_id AS "customerId", role, email, name, disabled_at AS "disabledAt", created_at AS "createdAt",
         last_sign_in_at AS "lastSignInAt"`;
const SELECT_USERS = `SELECT ${COLUMNS} FROM users`;
