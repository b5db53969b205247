import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { queryRows } from '../metadata/query-rows.js';

export interface NewAlert {
  /** What the alert is about; while one is open, opening it again changes it only if it is of another severity now. */
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
     ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE SET severity = excluded.severity, message = excluded.message
       WHERE alerts.severity <> excluded.severity`,
    [newId('alert'), alert.key, alert.kind, alert.severity, alert.subjectId, alert.operationId, alert.message]);
}

/** Closes what is open under these keys; an alert resolves itself when its cause is gone. */
export async function resolveAlerts(tx: EntityManager, keys: readonly string[]): Promise<void> {
  await tx.query('UPDATE alerts SET resolved_at = clock_timestamp() WHERE key = ANY($1) AND resolved_at IS NULL', [keys]);
}

export interface AlertDocument {
  readonly id: string;
  readonly kind: string;
  readonly severity: 'warning' | 'critical';
  readonly subjectId: string | null;
  readonly operationId: string | null;
  readonly message: string;
  readonly state: 'open' | 'resolved';
  readonly openedAt: Date;
  readonly resolvedAt: Date | null;
}

/** Open alerts first, then the resolved ones, each newest first. */
export function listAlerts(tx: EntityManager, page: { readonly before?: string | undefined; readonly limit: number }): Promise<AlertDocument[]> {
  return queryRows(tx,
    `SELECT id, kind, severity, subject_id AS "subjectId", operation_id AS "operationId", message,
            CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END AS state, opened_at AS "openedAt", resolved_at AS "resolvedAt"
       FROM alerts
      WHERE $1::text IS NULL
         OR (resolved_at IS NOT NULL) > (SELECT resolved_at IS NOT NULL FROM alerts WHERE id = $1)
         OR (resolved_at IS NOT NULL) = (SELECT resolved_at IS NOT NULL FROM alerts WHERE id = $1) AND id < $1
      ORDER BY (resolved_at IS NOT NULL), id DESC LIMIT $2`, [page.before ?? null, page.limit]);
}
