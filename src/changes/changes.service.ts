import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import { Vault } from '../secrets/vault.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { ProblemError } from '../problems/problem.js';
import type { Caller } from './caller.js';

/** What a change answers. */
export interface ChangeAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The operation that the change asked for, if any. */
  readonly operationId?: string;
  /** Whether the answer waits for that operation's end. */
  readonly waits?: boolean;
}

/** What follows the commit of a change, also of one that is answered again. */
export interface Committed extends ChangeAnswer {
  readonly replayed: boolean;
}

/** How long an idempotency key is remembered (`design.md`, part 4.2). */
const KEPT_HOURS = 24;

/**
 * Changes that this process makes at once. Each holds a connection, also while it waits for a lock; reads, and what a
 * change itself reads beside its transaction, need others of the pool.
 */
const CHANGES_AT_ONCE = 8;

/**
 * Makes changes that a caller may safely repeat.
 *
 * The key is inserted first, in the same transaction as the change itself: a concurrent duplicate waits at the unique
 * index until the first has committed and is then answered from its record, a failed change leaves no record, and a
 * crash between commit and answer loses nothing. Answers are sealed, since they may carry a password.
 */
@Injectable()
export class ChangesService {
  private readonly slots = pLimit(CHANGES_AT_ONCE);

  constructor(private readonly metadata: Metadata, private readonly vault: Vault) {}

  change(caller: Caller, work: (tx: EntityManager) => Promise<ChangeAnswer>): Promise<Committed> {
    return this.slots(() => this.make(caller, work));
  }

  private async make(caller: Caller, work: (tx: EntityManager) => Promise<ChangeAnswer>): Promise<Committed> {
    const key = checkKey(caller.idempotencyKey);
    if (key === undefined) return { ...(await this.metadata.transaction(work)), replayed: false };
    const hash = requestHash(caller);
    const owner = `${caller.actor.id}:${key}`;
    return this.metadata.transaction(async (tx) => {
      const inserted = await queryRows(tx,
        `INSERT INTO idempotency_records (credential_id, key, request_hash) VALUES ($1, $2, $3)
         ON CONFLICT (credential_id, key) DO UPDATE SET request_hash = $3, status = NULL, sealed_body = NULL, created_at = now()
           WHERE idempotency_records.created_at < now() - make_interval(hours => $4) RETURNING key`,
        [caller.actor.id, key, hash, KEPT_HOURS]);
      if (inserted.length === 0) return this.replay(tx, caller.actor.id, key, hash, owner);
      const answer = await work(tx);
      await tx.query('UPDATE idempotency_records SET status = $3, sealed_body = $4 WHERE credential_id = $1 AND key = $2',
        [caller.actor.id, key, answer.status, this.vault.seal(JSON.stringify(answer), owner)]);
      return { ...answer, replayed: false };
    });
  }

  private async replay(tx: EntityManager, credentialId: string, key: string, hash: Buffer, owner: string): Promise<Committed> {
    const [record] = await queryRows<{ request_hash: Buffer; sealed_body: Buffer }>(tx,
      'SELECT request_hash, sealed_body FROM idempotency_records WHERE credential_id = $1 AND key = $2', [credentialId, key]);
    if (!record?.request_hash.equals(hash)) {
      throw new ProblemError('idempotency-key-reused', 'the idempotency key was used for another request', { hint: 'use a new key for a new request' });
    }
    return { ...(JSON.parse(this.vault.unseal(record.sealed_body, owner).toString()) as ChangeAnswer), replayed: true };
  }

  /** Forgets the answers that are no longer owed to anybody. */
  async forgetOld(): Promise<void> {
    await this.metadata.dataSource.query('DELETE FROM idempotency_records WHERE created_at < now() - make_interval(hours => $1)', [KEPT_HOURS]);
  }
}

function checkKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new ProblemError('invalid-header', 'the header Idempotency-Key is not valid', {
      fields: [{ field: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }],
    });
  }
  return key;
}

/** The same request has the same hash however its JSON is laid out. */
function requestHash({ method, path, body }: Caller): Buffer {
  return createHash('sha256').update(JSON.stringify([method, path, canonical(body)])).digest();
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, canonical(inner)]);
}
