import type { EntityManager } from 'typeorm';
import type { Action } from '../access/actions.js';
import { newId } from '../metadata/ids.js';
import type { Caller } from './caller.js';

export interface AuditEntry {
  readonly action: Action;
  /** Whether it was done, or refused because the actor may not do it. */
  readonly result: 'done' | 'refused';
  /** Null for what has no subject of its own. */
  readonly subjectId: string | null;
  /** The customer who may read the entry; null for what only operators see. */
  readonly customerId: string | null;
  readonly operationId?: string | undefined;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Writes down who did what, on what and from where, in the transaction that does it. */
export async function audit(tx: EntityManager, { actor, requestId, address }: Caller, entry: AuditEntry): Promise<void> {
  const { action, result, subjectId, customerId, operationId, detail } = entry;
  await tx.query(
    `INSERT INTO audit_events (id, actor, action, result, subject_id, customer_id, operation_id, request_id, address, detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      newId('auditEvent'), actor.id, action, result, subjectId, customerId, operationId ?? null,
      requestId, address, JSON.stringify(detail ?? {}),
    ],
  );
}
