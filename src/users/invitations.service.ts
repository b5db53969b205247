import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { UserRole } from '../access/actor.js';
import { emailKey } from '../access/users/email-key.js';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';
import { hashToken } from '../secrets/secret-token.js';

/** Somebody who was asked to become a user. */
export interface Invitation {
  readonly id: string;
  readonly customerId: string | null;
  readonly role: UserRole;
  readonly email: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly acceptedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface NewInvitation {
  readonly customerId: string | null;
  readonly role: UserRole;
  readonly email: string;
  readonly invitedBy: string;
  readonly token: string;
}

const VALID_DAYS = 7;

/** Invitations: made, found by their tokens, and ended here. */
@Injectable()
export class InvitationsService {
  constructor(private readonly metadata: Metadata) {}

  list(
    reach: Reach, { id, customerId, before, limit }:
    { readonly id?: string; readonly customerId?: string | undefined; readonly before?: string | undefined; readonly limit: number },
  ): Promise<Invitation[]> {
    const conditions = { 'id = ?': id, 'customer_id = ?': customerId, 'id < ?': before };
    return this.metadata.select(reach, writeSelect(SELECT, conditions, reach, 'customer_id', 'ORDER BY id DESC LIMIT ?', limit));
  }

  async find(reach: Reach, id: string): Promise<Invitation | undefined> {
    return (await this.list(reach, { id, limit: 1 }))[0];
  }

  /** Takes the place of an open one to the same address. */
  async create(tx: EntityManager, { customerId, role, email, invitedBy, token }: NewInvitation): Promise<Invitation> {
    await tx.query(
      `UPDATE invitations SET revoked_at = now()
        WHERE customer_id IS NOT DISTINCT FROM $1 AND email_key = $2 AND ${OPEN}`, [customerId, emailKey(email)]);
    const [made] = await queryRows<Invitation>(tx,
      `INSERT INTO invitations (id, customer_id, role, email, email_key, hash, invited_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8)) RETURNING ${COLUMNS}`,
      [newId('invitation'), customerId, role, email, emailKey(email), hashToken(token), invitedBy, VALID_DAYS]);
    if (!made) throw new Error('the invitation was not written down');
    return made;
  }

  async countOpen(tx: EntityManager, customerId: string | null): Promise<number> {
    const [row] = await queryRows<{ count: number }>(tx,
      `SELECT count(*)::integer AS count FROM invitations WHERE customer_id IS NOT DISTINCT FROM $1 AND ${OPEN}`, [customerId]);
    return row?.count ?? 0;
  }

  async revoke(tx: EntityManager, id: string): Promise<void> {
    await tx.query('UPDATE invitations SET revoked_at = now() WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL', [id]);
  }

  /** The one that is open and has this token. */
  async findByToken(token: string): Promise<Invitation | undefined> {
    return (await queryRows<Invitation>(this.metadata.dataSource.manager,
      `SELECT ${COLUMNS} FROM invitations WHERE hash = $1 AND ${OPEN}`, [hashToken(token)]))[0];
  }

  /** Uses it up: of two who come with it at once, one becomes the user. */
  async take(tx: EntityManager, token: string): Promise<Invitation | undefined> {
    return (await queryRows<Invitation>(tx,
      `UPDATE invitations SET accepted_at = now() WHERE hash = $1 AND ${OPEN} RETURNING ${COLUMNS}`, [hashToken(token)]))[0];
  }
}

const OPEN = 'accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()';
const COLUMNS = `id, customer_id AS "customerId", role, email, created_at AS "createdAt", expires_at AS "expiresAt",
         accepted_at AS "acceptedAt", revoked_at AS "revokedAt"`;
const SELECT = `SELECT ${COLUMNS} FROM invitations`;
