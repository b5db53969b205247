import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { Vault } from '../../secrets/vault.js';
import { hashRecoveryCode, newRecoveryCodes } from '../sign-in/recovery-codes.js';
import { matchTotp, newTotpSecret } from '../sign-in/totp.js';
import type { UserRole } from '../actor.js';
import { emailKey } from './email-key.js';

/** What a person proves with, and what follows from it. */
export interface Credentials {
  readonly userId: string;
  readonly email: string;
  readonly role: UserRole;
  readonly customerId: string | null;
  readonly disabled: boolean;
  readonly epoch: number;
  /** Null for who signs in elsewhere. */
  readonly verifier: string | null;
  readonly oneTime: boolean;
  readonly hasSecondFactor: boolean;
}

/** What people prove with who they are: passwords, one-time codes, recovery codes. None is ever read back. */
@Injectable()
export class CredentialsService {
  constructor(private readonly metadata: Metadata, private readonly vault: Vault) {}

  find(userId: string): Promise<Credentials | undefined> {
    return this.query('u.id = $1', userId);
  }

  findByEmail(email: string): Promise<Credentials | undefined> {
    return this.query('u.email_key = $1', emailKey(email));
  }

  async setPassword(tx: EntityManager, userId: string, verifier: string, oneTime: boolean): Promise<void> {
    await tx.query('UPDATE user_credentials SET verifier = $2, one_time = $3 WHERE user_id = $1', [userId, verifier, oneTime]);
  }

  /** Replaces what is kept of the same password, unless it was changed meanwhile. */
  async strengthen(userId: string, weak: string, strong: string): Promise<void> {
    await this.metadata.dataSource.query(
      'UPDATE user_credentials SET verifier = $3 WHERE user_id = $1 AND verifier = $2', [userId, weak, strong],
    );
  }

  /** Draws a key for one-time codes, which counts once a code of it was shown; undefined if there is one that counts. */
  async drawSecondFactor(tx: EntityManager, userId: string): Promise<string | undefined> {
    const secret = newTotpSecret();
    const rows = await queryRows(tx,
      `UPDATE user_credentials SET sealed_totp = $2, totp_step = NULL WHERE user_id = $1 AND totp_confirmed_at IS NULL
       RETURNING user_id`, [userId, this.vault.seal(secret, totpOwner(userId))]);
    return rows.length === 1 ? secret : undefined;
  }

  /** Makes the key that was drawn count, for whoever has a code of it; false without one. */
  async confirmSecondFactor(tx: EntityManager, userId: string, code: string, nowMs: number): Promise<boolean> {
    if (!(await this.takeStep(tx, userId, code, nowMs, 'totp_confirmed_at IS NULL'))) return false;
    await tx.query('UPDATE user_credentials SET totp_confirmed_at = now() WHERE user_id = $1', [userId]);
    return true;
  }

  /** Takes a one-time code, which no second attempt can take. */
  takeCode(tx: EntityManager, userId: string, code: string, nowMs: number): Promise<boolean> {
    return this.takeStep(tx, userId, code, nowMs, 'totp_confirmed_at IS NOT NULL');
  }

  /** Takes a recovery code, which no second attempt can take. */
  async takeRecoveryCode(tx: EntityManager, userId: string, code: string): Promise<boolean> {
    const rows = await queryRows(tx,
      'UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND hash = $2 AND used_at IS NULL RETURNING user_id',
      [userId, hashRecoveryCode(code)]);
    return rows.length === 1;
  }

  async countRecoveryCodes(userId: string): Promise<number> {
    const [row] = await queryRows<{ count: number }>(this.metadata.dataSource.manager,
      'SELECT count(*)::integer AS count FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL', [userId]);
    return row?.count ?? 0;
  }

  /** New recovery codes, and an end to those before. They are told once and never again. */
  async renewRecoveryCodes(tx: EntityManager, userId: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    await tx.query('DELETE FROM recovery_codes WHERE user_id = $1', [userId]);
    await tx.query('INSERT INTO recovery_codes (user_id, hash) SELECT $1, unnest($2::bytea[])', [userId, codes.map(hashRecoveryCode)]);
    return codes;
  }

  async removeSecondFactor(tx: EntityManager, userId: string): Promise<void> {
    await tx.query('DELETE FROM recovery_codes WHERE user_id = $1', [userId]);
    await tx.query(
      'UPDATE user_credentials SET sealed_totp = NULL, totp_confirmed_at = NULL, totp_step = NULL WHERE user_id = $1', [userId],
    );
  }

  private async takeStep(tx: EntityManager, userId: string, code: string, nowMs: number, condition: string): Promise<boolean> {
    const [row] = await queryRows<{ sealed: Buffer }>(tx,
      `SELECT sealed_totp AS sealed FROM user_credentials WHERE user_id = $1 AND sealed_totp IS NOT NULL AND ${condition}`, [userId]);
    const step = row && matchTotp(this.vault.unseal(row.sealed, totpOwner(userId)).toString(), code, nowMs);
    if (step === undefined) return false;
    const taken = await queryRows(tx,
      `UPDATE user_credentials SET totp_step = $2
        WHERE user_id = $1 AND ${condition} AND (totp_step IS NULL OR totp_step < $2) RETURNING user_id`, [userId, step]);
    return taken.length === 1;
  }

  private async query(condition: string, value: string): Promise<Credentials | undefined> {
    return (await queryRows<Credentials>(this.metadata.dataSource.manager, `${SELECT} WHERE ${condition}`, [value]))[0];
  }
}

export const totpOwner = (userId: string): string => `${userId}/totp`;

const SELECT = `
  SELECT u.id AS "userId", u.email, u.role, u.customer_id AS "customerId", u.disabled_at IS NOT NULL AS disabled,
         u.session_epoch AS epoch, c.verifier, c.one_time AS "oneTime", c.totp_confirmed_at IS NOT NULL AS "hasSecondFactor"
    FROM users u JOIN user_credentials c ON c.user_id = u.id`;
