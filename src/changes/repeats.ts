import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Action } from '../access/actions.js';
import { queryRows } from '../metadata/query-rows.js';
import { ProblemError } from '../problems/problem.js';
import type { Vault } from '../secrets/vault.js';

/** How long an idempotency key is remembered (`design.md`, part 4.2). */
export const KEPT_HOURS = 24;

/** What makes a change the same as one that was asked for before: the caller's key for it, and what was asked for. */
export interface Repeat {
  readonly credentialId: string;
  readonly key: string;
  readonly hash: Buffer;
}

/**
 * The answers that are owed again to those who ask again.
 *
 * The key is inserted first, in the same transaction as the change itself: a concurrent duplicate waits at the unique
 * index until the first has committed and is then answered from its record, a failed change leaves no record, and a
 * crash between commit and answer loses nothing. Answers are sealed, since they may carry a password.
 */
export class Repeats<Answer> {
  constructor(private readonly vault: Vault) {}

  /**
   * Answers nothing for a change that is new, whose answer is then to be {@link remember remembered} in the same transaction.
   *
   * @throws ProblemError `idempotency-key-reused`
   */
  async recall(tx: EntityManager, repeat: Repeat): Promise<Answer | undefined> {
    const { credentialId, key, hash } = repeat;
    const inserted = await queryRows(tx,
      `INSERT INTO idempotency_records (credential_id, key, request_hash) VALUES ($1, $2, $3)
       ON CONFLICT (credential_id, key) DO UPDATE SET request_hash = $3, sealed_body = NULL, created_at = now()
         WHERE idempotency_records.created_at < now() - make_interval(hours => $4) RETURNING key`,
      [credentialId, key, hash, KEPT_HOURS]);
    if (inserted.length > 0) return undefined;
    const [record] = await queryRows<{ request_hash: Buffer; sealed_body: Buffer }>(tx,
      'SELECT request_hash, sealed_body FROM idempotency_records WHERE credential_id = $1 AND key = $2', [credentialId, key]);
    if (!record?.request_hash.equals(hash)) {
      throw new ProblemError('idempotency-key-reused', 'the idempotency key was used for another request', {
        hint: 'use a new key for a new request',
      });
    }
    return JSON.parse(this.vault.unseal(record.sealed_body, ownerOfRepeat(repeat)).toString()) as Answer;
  }

  async remember(tx: EntityManager, repeat: Repeat, answer: Answer): Promise<void> {
    await tx.query('UPDATE idempotency_records SET sealed_body = $3 WHERE credential_id = $1 AND key = $2',
      [repeat.credentialId, repeat.key, this.vault.seal(JSON.stringify(answer), ownerOfRepeat(repeat))]);
  }
}

/** To whom a sealed answer belongs. */
export const ownerOfRepeat = ({ credentialId, key }: Pick<Repeat, 'credentialId' | 'key'>): string => `${credentialId}:${key}`;

/** The same change has the same hash however its input is laid out. */
export function hashOfChange(action: Action, subjectId: string | null, input: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify([action, subjectId, canonical(input)])).digest();
}

function canonical(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, canonical(inner)]);
}
