import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Actor } from './actor.js';
import { ApiKeyEntity } from './api-key.entity.js';

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly customerId: string | null;
  readonly expiresAt: Date | null;
}

/** When a key was last used is known to the minute; more often would be a write a request. */
const LAST_USED_EVERY_S = 60;

const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The credentials of programs: made, checked, listed and revoked here. */
@Injectable()
export class ApiKeysService {
  private readonly touched = new Map<string, number>();

  constructor(private readonly metadata: Metadata) {}

  /** Makes a key of 256 random bits. It is told once and never again. */
  async create(tx: EntityManager, request: NewApiKey): Promise<{ entity: ApiKeyEntity; key: string }> {
    const key = `fh_${request.customerId === null ? 'system' : 'customer'}_${randomBytes(32).toString('base64url')}`;
    const entity = tx.create(ApiKeyEntity, {
      ...request, id: newId('apiKey'), scopes: [...request.scopes], hash: hashOf(key), createdAt: new Date(), revokedAt: null, lastUsedAt: null,
    });
    await tx.insert(ApiKeyEntity, entity);
    return { entity, key };
  }

  /** Makes sure that a key which somebody else chose is known; its id stays the same from start to start. */
  async ensure(key: string, name: string, scopes: readonly string[]): Promise<void> {
    await this.metadata.dataSource.query(
      `INSERT INTO api_keys (id, name, hash, scopes) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`,
      [newId('apiKey'), name, hashOf(key), scopes]);
  }

  /** Who has this key; undefined if nobody, if it has expired, or if it was revoked. Never cached: a revocation holds at once. */
  async authenticate(key: string): Promise<Actor | undefined> {
    const hash = hashOf(key);
    const [row] = await queryRows<{ id: string; name: string; scopes: string[]; hash: Buffer }>(this.metadata.dataSource.manager,
      `SELECT id, name, scopes, hash FROM api_keys
        WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`, [hash]);
    if (!row || !timingSafeEqual(row.hash, hash)) return undefined;
    this.touch(row.id);
    return { id: row.id, name: row.name, scopes: row.scopes };
  }

  list(customerId: string, page: { readonly before?: string; readonly limit: number }): Promise<ApiKeyEntity[]> {
    return this.metadata.dataSource.manager.createQueryBuilder(ApiKeyEntity, 'key')
      .where('key.customerId = :customerId', { customerId })
      .andWhere(page.before === undefined ? 'true' : 'key.id < :before', { before: page.before })
      .orderBy('key.id', 'DESC').take(page.limit).getMany();
  }

  /** Ends a key at once; false if the customer has no such key. */
  async revoke(tx: EntityManager, customerId: string, id: string): Promise<boolean> {
    const rows = await queryRows(tx,
      'UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND customer_id = $2 RETURNING id', [id, customerId]);
    return rows.length === 1;
  }

  /** Notes the use of a key, in the background and not too often. */
  private touch(id: string): void {
    const now = Date.now() / 1000;
    if (now - (this.touched.get(id) ?? 0) < LAST_USED_EVERY_S) return;
    this.touched.set(id, now);
    void this.metadata.dataSource.query('UPDATE api_keys SET last_used_at = now() WHERE id = $1', [id]).catch(() => undefined);
  }
}
