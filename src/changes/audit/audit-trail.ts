import type { EntityManager } from 'typeorm';
import type { Action } from '../../access/actions.js';
import { newId } from '../../metadata/ids.js';
import type { Vault } from '../../secrets/vault.js';
import type { Caller } from '../caller.js';
import { type AuditRecord, AuditSeals } from './audit-record.js';

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

/** Writes the audit. */
export class AuditTrail {
  private readonly seals: AuditSeals;

  constructor(vault: Vault) {
    this.seals = new AuditSeals(vault);
  }

  /**
   * Writes down who did what, on what and from where, in the transaction that does it. The entry gets its place in the chain
   * afterwards: a place given here would make every change wait for the one before it.
   */
  async write(tx: EntityManager, caller: Caller, entry: AuditEntry): Promise<void> {
    const record = recordOf(caller, entry);
    await tx.query(INSERT, [
      record.id, record.at, record.actor, record.action, record.result, record.subjectId, record.customerId, record.operationId,
      record.requestId, record.address, JSON.stringify(record.detail), this.seals.sealOf(record),
    ]);
  }
}

const INSERT = `
  WITH event AS (
    INSERT INTO audit_events (id, at, actor, action, result, subject_id, customer_id, operation_id, request_id, address, detail)
    VALUES ($1, $2::timestamptz, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id)
  INSERT INTO audit_chain (event_id, seal) SELECT id, $12 FROM event`;

function recordOf({ actor, requestId, address }: Caller, { detail, operationId, ...entry }: AuditEntry): AuditRecord {
  return {
    ...entry, id: newId('auditEvent'), at: new Date().toISOString().replace('Z', '000Z'), actor: actor.id,
    operationId: operationId ?? null, requestId, address,
    // As it is read again: what JSON leaves out is not sealed either.
    detail: JSON.parse(JSON.stringify(detail ?? {})) as Record<string, unknown>,
  };
}
