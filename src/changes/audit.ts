import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';
import type { Action } from '../access/actions.js';
import type { Actor } from '../access/actor.js';

export interface AuditEntry {
  readonly action: Action;
  /** Null for what has no subject of its own. */
  readonly subjectId: string | null;
  /** The customer who may read the entry; null for what only operators see. */
  readonly customerId: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Writes down who did what, in the transaction that does it. */
export async function audit(tx: EntityManager, { actor, requestId }: { readonly actor: Pick<Actor, 'id'>; readonly requestId: string | null }, entry: AuditEntry): Promise<void> {
  await tx.query(
    `INSERT INTO audit_events (id, actor, action, subject_id, customer_id, request_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [newId('auditEvent'), actor.id, entry.action, entry.subjectId, entry.customerId, requestId, JSON.stringify(entry.detail ?? {})]);
}
