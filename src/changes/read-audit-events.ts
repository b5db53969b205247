import type { Metadata } from '../metadata/metadata.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';

/** Who did what, or was refused it. */
export interface AuditDocument {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly result: 'done' | 'refused';
  readonly subjectId: string | null;
  readonly customerId: string | null;
  readonly operationId: string | null;
  readonly requestId: string | null;
  readonly address: string | null;
  readonly detail: Record<string, unknown>;
}

/** The newest first. */
export function readAuditEvents(
  metadata: Metadata, reach: Reach, { before, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<AuditDocument[]> {
  return metadata.select(reach, writeSelect(SELECT_EVENTS, { 'id < ?': before }, reach, 'customer_id', 'ORDER BY id DESC LIMIT ?', limit));
}

const SELECT_EVENTS = `
  SELECT id, at, actor, action, result, subject_id AS "subjectId", customer_id AS "customerId", operation_id AS "operationId",
         request_id AS "requestId", address, detail
    FROM audit_events`;
