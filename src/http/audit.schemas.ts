import { z } from 'zod';
import { component, listOf } from './components.js';

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
}));
export const auditEventListSchema = listOf('AuditEventList', auditEventSchema);
