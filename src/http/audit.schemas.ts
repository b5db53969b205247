import { z } from 'zod';
import { component, listOf } from './components.js';

export const auditEventSchema = component('AuditEvent', z.object({
  id: z.string(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  subjectId: z.string().nullable(),
  customerId: z.string().nullable(),
  requestId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
}));
export const auditEventListSchema = listOf('AuditEventList', auditEventSchema);
