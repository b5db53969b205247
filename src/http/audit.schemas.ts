import { z } from 'zod';
import type { Anchor } from '../changes/audit/anchors.js';
import { TAMPERINGS } from '../changes/audit/judge-chain.js';
import { component, listOf } from './components.js';
import { pageSchema } from './paging.js';

export const auditEventSchema = component('AuditEvent', z.object({
  id: z.string(),
  at: z.iso.datetime(),
  actor: z.string().meta({ description: 'The credential, or the part of the control plane that acted by itself' }),
  action: z.string(),
  result: z.enum(['done', 'refused']).meta({ description: '`refused`: the actor may not do that, or cannot see the subject' }),
  subjectId: z.string().nullable(),
  customerId: z.string().nullable(),
  operationId: z.string().nullable().meta({ description: 'The operation that was asked for, if any' }),
  requestId: z.string().nullable(),
  address: z.string().nullable().meta({ description: 'Where the request came from' }),
  detail: z.record(z.string(), z.unknown()),
  sequence: z.number().int().nullable().meta({ description: 'Its place in the chain of hashes; null for the first second or so' }),
  hash: z.string().nullable().meta({ description: 'The hash of the chain at that place (SHA-256, hexadecimal)' }),
}));
export const auditEventListSchema = listOf('AuditEventList', auditEventSchema);

const time = z.iso.datetime({ offset: true }).transform((at) => new Date(at));
const word = z.string().min(1).max(64);

const filters = {
  action: word.optional().meta({ description: 'Such as database.delete' }),
  actor: word.optional().meta({ description: 'The id of a credential, or the name of a part of the control plane' }),
  subjectId: word.optional().meta({ description: 'What it was done to' }),
  databaseId: word.optional().meta({ description: 'About a database, by itself or by an operation' }),
  result: auditEventSchema.shape.result.optional(),
  since: time.optional().meta({ description: 'At this time or later' }),
  until: time.optional().meta({ description: 'Before this time' }),
};

export const auditFilterSchema = pageSchema.extend(filters);
export type AuditQuery = z.output<typeof auditFilterSchema>;

export const auditExportSchema = z.object({ ...filters, format: z.enum(['ndjson', 'csv']).default('ndjson') });
export type AuditExportQuery = z.output<typeof auditExportSchema>;

export const auditLinesSchema = component('AuditLines', z.string().meta({ description: 'An audit event a line' }));

const GIVEN_ANCHORS = 50;
/** Such as `1204:9f86…0a08@2026-11-24T10:20:00.000Z`; the time may be left out. */
const GIVEN_ANCHOR = /^(\d{1,15}):([0-9a-f]{64})(?:@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z))?$/;

export const verificationQuerySchema = z.object({
  anchors: z.string().transform((text) => text.split(',').map(readAnchor))
    .refine((anchors) => !anchors.includes(undefined), 'must be published hashes, each as SEQUENCE:HASH@TIME, separated by commas')
    .refine((anchors) => anchors.length <= GIVEN_ANCHORS, `may be at most ${GIVEN_ANCHORS}`)
    .transform((anchors) => anchors.filter((anchor) => anchor !== undefined))
    .optional()
    .meta({
      description: 'Hashes that you kept elsewhere, each as SEQUENCE:HASH@TIME, separated by commas. Of one without its time it is not '
        + 'known whether a restore of the metadata has taken it back.',
    }),
});

function readAnchor(text: string): Anchor | undefined {
  const [, sequence, hash, time] = GIVEN_ANCHOR.exec(text) ?? [];
  if (sequence === undefined || hash === undefined) return undefined;
  const at = new Date(time ?? NaN);
  return { sequence: Number(sequence), hash, at: Number.isNaN(at.getTime()) ? null : at };
}

export type VerificationQuery = z.output<typeof verificationQuerySchema>;

export const auditVerificationSchema = component('AuditVerification', z.object({
  valid: z.boolean(),
  entries: z.number().int().meta({ description: 'Entries of the chain' }),
  waiting: z.number().int().meta({ description: 'Entries that have no place in it yet' }),
  hash: z.string().meta({ description: 'The chain\'s last hash: keep it elsewhere, and compare with it later' }),
  anchors: z.object({
    kept: z.number().int().meta({ description: 'Published hashes that are the chain\'s' }),
    void: z.number().int().meta({ description: 'Published hashes that a restore of the metadata has taken back' }),
    unreadable: z.number().int().meta({ description: 'Lines of the file of published hashes that are none' }),
  }),
  findings: z.array(z.object({
    kind: z.enum(TAMPERINGS),
    sequence: z.number().int().nullable(),
    eventId: z.string().nullable(),
    detail: z.string(),
  })).meta({ description: 'The first of them' }),
  findingsInAll: z.number().int(),
}));
