import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, LessThan, Or, Raw, type Repository } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import type { Reach } from '../metadata/reach.js';
import type { Slice } from '../metadata/slice.js';
import { hashToken } from '../secrets/secret-token.js';
import { type ApiKeyActor, OPERATOR, PROVISION_SCOPE } from './actor.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { KeyLookUps } from './key-look-ups.js';

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly customerId: string | null;
  readonly expiresAt: Date | null;
}

/** Why a key lets nobody in. */
export type Refusal = 'invalid-api-key' | 'revoked-api-key' | 'expired-api-key';

/** The credentials whose keys are settings. */
const BUILT_IN = {
  operator: { id: 'key_operator', name: 'operator', scopes: [OPERATOR] },
  signup: { id: 'key_signup', name: 'signup', scopes: [PROVISION_SCOPE] },
} as const;
export type BuiltInCredential = keyof typeof BUILT_IN;

/** When a key was last used is known to the minute; more often would be a write a request. */
const LAST_USED_EVERY_S = 60;

/** Whether a text has the form of an API key of ours. */
export const isKeyLike = (text: string): boolean => /^fh_[a-z]+_/.test(text);

/** The credentials of programs: made, checked, listed and revoked here. */
@Injectable()
export class ApiKeysService {
  private readonly touched = new Map<string, number>();
  private readonly lookUps: KeyLookUps;

  constructor(@InjectRepository(ApiKeyEntity) private readonly keys: Repository<ApiKeyEntity>, private readonly metadata: Metadata) {
    this.lookUps = new KeyLookUps(metadata);
  }

  /** Makes a key of 256 random bits. It is told once and never again. */
  async create(tx: EntityManager, request: NewApiKey): Promise<{ entity: ApiKeyEntity; key: string }> {
    const key = `fh_${request.customerId === null ? 'system' : 'customer'}_${randomBytes(32).toString('base64url')}`;
    const entity = this.keys.create({
      ...request, id: newId('apiKey'), scopes: [...request.scopes], hash: hashToken(key), createdAt: new Date(), revokedAt: null,
      lastUsedAt: null,
    });
    await tx.withRepository(this.keys).insert(entity);
    return { entity, key };
  }

  /**
   * Makes a key that the settings name the one of its credential. The credential stays the same when the key is
   * changed, so that what it created stays in its reach; the key before is refused from then on, and so is any when
   * the settings name none.
   */
  async ensure(credential: BuiltInCredential, key: string | undefined): Promise<void> {
    const { id, name, scopes } = BUILT_IN[credential];
    if (key === undefined) {
      await this.keys.update({ id, revokedAt: IsNull() }, { revokedAt: () => 'now()' });
      return;
    }
    await this.keys.upsert({ id, name, hash: hashToken(key), scopes: [...scopes], revokedAt: null }, ['id']);
  }

  /** Who has this key, or why nobody has. Never cached: a revocation holds at once. */
  async authenticate(key: string): Promise<ApiKeyActor | Refusal> {
    const hash = hashToken(key);
    const row = await this.lookUps.find(hash);
    if (!row || !timingSafeEqual(row.hash, hash)) return 'invalid-api-key';
    if (row.revoked) return 'revoked-api-key';
    if (row.expired) return 'expired-api-key';
    this.touch(row.id);
    return { type: 'api-key', id: row.id, name: row.name, scopes: row.scopes };
  }

  /** Whether a credential that was let in before would be let in still. */
  isValid(id: string): Promise<boolean> {
    return this.keys.existsBy({ id, revokedAt: IsNull(), expiresAt: Or(IsNull(), Raw((column) => `${column} > now()`)) });
  }

  /** Those of a customer, as far as the reader sees it; the newest first. */
  list(reach: Reach, customerId: string, { before, limit }: Slice): Promise<ApiKeyEntity[]> {
    const where = { customerId, ...(before !== undefined && { id: LessThan(before) }) };
    return this.metadata.read(reach, (tx) => tx.withRepository(this.keys).find({ where, order: { id: 'DESC' }, take: limit }));
  }

  /** Ends a key at once; false if the customer has no such key. */
  async revoke(tx: EntityManager, customerId: string, id: string): Promise<boolean> {
    const { affected } = await tx.withRepository(this.keys).update({ id, customerId }, { revokedAt: () => 'coalesce(revoked_at, now())' });
    return affected === 1;
  }

  /** Notes the use of a key, in the background and not too often. */
  private touch(id: string): void {
    const now = Date.now() / 1000;
    if (now - (this.touched.get(id) ?? 0) < LAST_USED_EVERY_S) return;
    this.touched.set(id, now);
    void this.keys.update({ id }, { lastUsedAt: () => 'now()' }).catch(() => undefined);
  }
}
