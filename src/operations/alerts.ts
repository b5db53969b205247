import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';

export interface NewAlert {
  /** What the alert is about; while one is open, opening it again changes nothing. */
  readonly key: string;
  readonly kind: string;
  readonly severity: 'warning' | 'critical';
  readonly subjectId: string | null;
  readonly operationId: string | null;
  readonly message: string;
}

export async function openAlert(tx: EntityManager, alert: NewAlert): Promise<void> {
  await tx.query(
    `INSERT INTO alerts (id, key, kind, severity, subject_id, operation_id, message) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (key) WHERE resolved_at IS NULL DO NOTHING`,
    [newId('alert'), alert.key, alert.kind, alert.severity, alert.subjectId, alert.operationId, alert.message]);
}

/** Closes what is open under these keys; an alert resolves itself when its cause is gone. */
export async function resolveAlerts(tx: EntityManager, keys: readonly string[]): Promise<void> {
  await tx.query('UPDATE alerts SET resolved_at = clock_timestamp() WHERE key = ANY($1) AND resolved_at IS NULL', [keys]);
}
