import { z } from 'zod';
import { component, listOf } from './components.js';
import { pageSchema } from './paging.js';
import { OPERATION_STATES, STEP_STATES } from '../operations/operation.js';

const time = z.iso.datetime();

export const operationSchema = component('Operation', z.object({
  id: z.string().meta({ example: 'op_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  kind: z.string(),
  databaseId: z.string().nullable(),
  state: z.enum(OPERATION_STATES),
  steps: z.array(z.object({
    name: z.string(),
    state: z.enum(STEP_STATES),
    attempts: z.number().int(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    detail: z.record(z.string(), z.unknown()).nullable(),
  })),
  error: z.object({ step: z.string(), reason: z.string(), hint: z.string().optional(), left: z.string().optional() }).nullable(),
  requestedBy: z.string(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
}).meta({ description: 'A long-running change, made of named steps.' }));
export const operationListSchema = listOf('OperationList', operationSchema);

export const operationAnswerSchema = component('OperationAnswer', z.object({ operation: operationSchema }));
export const operationEventsSchema = component('OperationEvents', z.string().meta({ description: 'Server-Sent Events' }));

export const alertSchema = component('Alert', z.object({
  id: z.string(),
  kind: z.string(),
  severity: z.enum(['warning', 'critical']),
  subjectId: z.string().nullable(),
  operationId: z.string().nullable(),
  message: z.string(),
  action: z.enum(['required', 'none']).meta({ description: '`required`: an operator has to do something now; `none`: it heals by itself' }),
  advice: z.string().meta({ description: 'What to do, or what is done by itself and what to look at if it stays' }),
  state: z.enum(['open', 'resolved']),
  openedAt: time,
  resolvedAt: time.nullable(),
}).meta({ description: 'Something that an operator should know; it resolves itself when its cause is gone.' }));
export const alertListSchema = listOf('AlertList', alertSchema);

export const operationFilterSchema = pageSchema.extend({
  databaseId: z.string().max(64).optional(),
  kind: z.string().max(64).optional(),
  state: z.enum(OPERATION_STATES).optional(),
});
