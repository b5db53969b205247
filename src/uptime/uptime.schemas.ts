import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { pageSchema } from '../http/paging.js';
import { MONTH, monthAt } from './month.js';
import { OUTAGE_CAUSES, OUTAGE_SOURCES } from './outage.js';

/** A month that has begun: nobody knows of later ones. */
const month = z.string().regex(MONTH, { error: 'must be a month, such as 2026-11', abort: true })
  .refine((value) => value <= monthAt(Date.now()), 'must be a month that has begun')
  .meta({ example: '2026-11', description: 'In UTC; the present one if it is left out' });
const databaseId = z.string().max(64).meta({ example: 'db_01hzy3v7q8k2w5n9t4r6x1m0pa' });
const region = z.string().max(64).meta({ example: 'europe' });

export const uptimeQuerySchema = z.strictObject({
  month: month.optional(),
  databaseId: databaseId.optional().meta({ description: 'A database that the key can see; without it, the platform or a region' }),
  region: region.optional(),
}).refine((query) => query.databaseId === undefined || query.region === undefined, {
  path: ['region'], message: 'may not be given together with databaseId',
});
export type UptimeQuery = z.output<typeof uptimeQuerySchema>;

export const reportQuerySchema = z.strictObject({ month: month.optional() });

export const outageFilterSchema = pageSchema.extend({
  month: month.optional().meta({ description: 'Those that lie at least in part in that month, in UTC' }),
  databaseId: databaseId.optional(),
  region: region.optional(),
  cause: z.enum(OUTAGE_CAUSES, `must be one of ${OUTAGE_CAUSES.join(', ')}`).optional(),
});
export type OutageQuery = z.output<typeof outageFilterSchema>;

const budgetSchema = z.object({ allowedSeconds: z.number(), usedSeconds: z.number(), leftSeconds: z.number() })
  .meta({ description: 'Unplanned downtime; `leftSeconds` is below zero once the promise is broken' });

export const uptimeSchema = component('Uptime', z.object({
  of: z.enum(['platform', 'region', 'database']),
  region: z.string().nullable(),
  databaseId: z.string().nullable(),
  month: z.string().meta({ example: '2026-11' }),
  from: z.iso.datetime(),
  to: z.iso.datetime().meta({ description: 'The end of the month, or now' }),
  databases: z.number().int().meta({ description: 'How many existed in that time' }),
  uptime: z.number().nullable().meta({
    example: 0.99987,
    description: '`upSeconds / (upSeconds + downSeconds)`; planned and unknown time count neither way. Null if nothing is known',
  }),
  upSeconds: z.number(),
  downSeconds: z.number().meta({ description: 'Down without a plan' }),
  plannedSeconds: z.number().meta({ description: 'Down by planned maintenance, within its window' }),
  unknownSeconds: z.number().meta({ description: 'Nobody observed it: neither up nor down' }),
  errorBudget: z.object({
    share: budgetSchema.meta({ description: 'What 99.9 % allow: a thousandth of the month' }),
    minutes: budgetSchema.meta({ description: 'What 45 minutes a month allow' }),
    kept: z.boolean().nullable().meta({ description: 'Whether both promises are kept so far; null if nothing is known' }),
  }),
}).meta({
  description: 'Measured availability. For the platform and a region each moment counts by the share of databases that were up; what '
    + 'customers did to their own databases moves neither.',
}));
export type UptimeDocument = z.output<typeof uptimeSchema>;

export const outageSchema = component('Outage', z.object({
  id: z.string().meta({ example: 'out_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  databaseId: z.string(),
  region: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable().meta({ description: 'Null while it goes on' }),
  seconds: z.number().meta({ description: 'How long it was, or is known to be so far' }),
  cause: z.enum(OUTAGE_CAUSES),
  planned: z.boolean().meta({ description: 'Whether it belongs to planned maintenance: within its window it does not count' }),
  sources: z.array(z.enum(OUTAGE_SOURCES)),
  operationId: z.string().nullable().meta({ description: 'The operation that interrupted the database, or ended the outage' }),
  reason: z.string(),
}).meta({ description: 'A time in which clients could not use a database.' }));
export const outageListSchema = listOf('OutageList', outageSchema);
export type OutageDocument = z.output<typeof outageSchema>;

export const slaReportSchema = component('SlaReport', z.object({
  customer: z.object({ id: z.string(), name: z.string() }),
  month: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  generatedAt: z.iso.datetime(),
  platform: uptimeSchema,
  databases: z.array(z.object({ id: z.string(), name: z.string(), region: z.string(), uptime: uptimeSchema }))
    .meta({ description: 'Those that existed in the month, deleted ones too' }),
  outages: z.array(outageSchema).meta({ description: 'Of these databases, the earliest first' }),
}).meta({ description: 'What was promised to a customer for a month, and what was measured.' }));
export type SlaReport = z.output<typeof slaReportSchema>;
