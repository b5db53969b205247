import type { Metadata } from '../../metadata/metadata.js';
import type { Reach } from '../../metadata/reach.js';
import { writeSelect } from '../../metadata/select.js';
import type { Slice } from '../../metadata/slice.js';
import type { AuditRecord } from './audit-record.js';

/** Who did what, or was refused it. */
export interface AuditDocument extends Omit<AuditRecord, 'at'> {
  readonly at: Date;
  /** Its place in the chain; null for the second or so before it has one. */
  readonly sequence: number | null;
  /** The hash of the chain at that place, hexadecimal. */
  readonly hash: string | null;
}

/** What entries are looked for by; all of it has to hold. */
export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly result?: AuditDocument['result'] | undefined;
  /** About a database: the entry's subject, or that of the operation that was asked for. */
  readonly databaseId?: string | undefined;
  /** At this time or later. */
  readonly since?: Date | undefined;
  /** Before this time. */
  readonly until?: Date | undefined;
}

/** The newest first. */
export function readAuditEvents(
  metadata: Metadata, reach: Reach, filter: AuditFilter, { before, limit }: Slice,
): Promise<AuditDocument[]> {
  const conditions = { ...conditionsOf(filter), 'e.id < ?': before };
  return metadata.select(reach, writeSelect(SELECT_EVENTS, conditions, reach, 'e.customer_id', 'ORDER BY e.id DESC LIMIT ?', limit));
}

/** How many entries are read at once for an export, which may be of any length. */
const EXPORTED_AT_ONCE = 500;

/** All of them, the oldest first, read as they are taken. */
export async function* exportAuditEvents(metadata: Metadata, reach: Reach, filter: AuditFilter): AsyncGenerator<AuditDocument> {
  let after: string | undefined;
  for (;;) {
    const conditions = { ...conditionsOf(filter), 'e.id > ?': after };
    const events: AuditDocument[] = await metadata.select(
      reach, writeSelect(SELECT_EVENTS, conditions, reach, 'e.customer_id', 'ORDER BY e.id LIMIT ?', EXPORTED_AT_ONCE),
    );
    yield* events;
    after = events.at(-1)?.id;
    if (events.length < EXPORTED_AT_ONCE) return;
  }
}

const SELECT_EVENTS = `
  SELECT e.id, e.at, e.actor, e.action, e.result, e.subject_id AS "subjectId", e.customer_id AS "customerId",
         e.operation_id AS "operationId", e.request_id AS "requestId", e.address, e.detail,
         c.sequence::float AS sequence, encode(c.hash, 'hex') AS hash
    FROM audit_events e LEFT JOIN audit_chain c ON c.event_id = e.id`;

const conditionsOf = ({ action, actor, subjectId, result, databaseId, since, until }: AuditFilter) => ({
  'e.action = ?': action, 'e.actor = ?': actor, 'e.subject_id = ?': subjectId, 'e.result = ?': result, [ABOUT_DATABASE]: databaseId,
  'e.at >= ?::timestamptz': since?.toISOString(), 'e.at < ?::timestamptz': until?.toISOString(),
});

/** By two indexes and not by one condition on two columns, which could use none. */
const ABOUT_DATABASE = `e.id IN (
  SELECT id FROM audit_events WHERE subject_id = ?
  UNION ALL SELECT a.id FROM operations o JOIN audit_events a ON a.operation_id = o.id WHERE o.subject_id = ?)`;
