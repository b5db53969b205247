import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { queryRows } from '../metadata/query-rows.js';

export interface NewAlert {
  /** What the alert is about; at most one alert is open for each. */
  readonly key: string;
  readonly kind: string;
  readonly severity: 'warning' | 'critical';
  readonly subjectId: string | null;
  readonly operationId: string | null;
  readonly message: string;
  /** `none`: it heals by itself, and is told so that people know. */
  readonly action: 'required' | 'none';
  /** What the operator should do, or what Freehold does by itself, and what to look at if the alert stays. */
  readonly advice: string;
}

/** An alert that comes back so soon after it was resolved is the same one. */
const SAME_WITHIN_MINUTES = 10;

/** Opens an alert, or opens it again if it was resolved a short while ago; an open alert gets the new message. */
export async function openAlert(tx: EntityManager, alert: NewAlert): Promise<void> {
  const { key, kind, severity, subjectId, operationId, message, action, advice } = alert;
  await tx.query(
    `UPDATE alerts SET resolved_at = NULL, opened_at = clock_timestamp()
      WHERE id = (SELECT id FROM alerts WHERE key = $1 AND resolved_at > now() - make_interval(mins => $2)
                   ORDER BY resolved_at DESC LIMIT 1)
        AND NOT EXISTS (SELECT FROM alerts WHERE key = $1 AND resolved_at IS NULL)`, [key, SAME_WITHIN_MINUTES]);
  await tx.query(
    `INSERT INTO alerts (id, key, kind, severity, subject_id, operation_id, message, action, advice)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE
        SET severity = excluded.severity, operation_id = excluded.operation_id, message = excluded.message,
            action = excluded.action, advice = excluded.advice
      WHERE (alerts.severity, alerts.message, alerts.action, alerts.advice)
            IS DISTINCT FROM (excluded.severity, excluded.message, excluded.action, excluded.advice)`,
    [newId('alert'), key, kind, severity, subjectId, operationId, message, action, advice]);
}

/** Resolves the open alerts with these keys: their cause is gone. */
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
  readonly action: 'required' | 'none';
  readonly advice: string;
  readonly state: 'open' | 'resolved';
  readonly openedAt: Date;
  readonly resolvedAt: Date | null;
}

/** Open alerts first, then the resolved ones, each newest first. */
export function listAlerts(
  tx: EntityManager, page: { readonly before?: string | undefined; readonly limit: number },
): Promise<AlertDocument[]> {
  return queryRows(tx,
    `SELECT id, kind, severity, subject_id AS "subjectId", operation_id AS "operationId", message, action, advice,
            CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END AS state, opened_at AS "openedAt", resolved_at AS "resolvedAt"
       FROM alerts
      WHERE $1::text IS NULL
         OR (resolved_at IS NOT NULL) > (SELECT resolved_at IS NOT NULL FROM alerts WHERE id = $1)
         OR (resolved_at IS NOT NULL) = (SELECT resolved_at IS NOT NULL FROM alerts WHERE id = $1) AND id < $1
      ORDER BY (resolved_at IS NOT NULL), id DESC LIMIT $2`, [page.before ?? null, page.limit]);
}
