import { z } from 'zod';
import { endTransactionsAfterMinutes } from '../databases/database.schemas.js';
import { component } from '../http/components.js';

export const planQuerySchema = z.object({
  plan: z.enum(['true', 'false']).default('false').transform((text) => text === 'true'),
});
export type PlanQuery = z.output<typeof planQuerySchema>;

export const lostSchema = z.strictObject({
  acceptDataLoss: z.boolean().default(false)
    .meta({ description: 'Whether a standby that is not in sync may take over: what it has not received is lost' }),
}).prefault({});
export type LostBody = z.output<typeof lostSchema>;

export const drainSchema = z.strictObject({ endTransactionsAfterMinutes }).prefault({});
export type DrainBody = z.output<typeof drainSchema>;

const plannedMoveSchema = z.object({
  databaseId: z.string(), instanceId: z.string(), hostId: z.string(), role: z.string(),
  by: z.enum(['switchover', 'failover', 'restore', 'relocate']),
  mayLose: z.enum(['nothing', 'not-received', 'not-archived']).meta({
    description: 'What the standby had not received (needs acceptDataLoss), or what was not archived yet',
  }),
  to: z.string().nullable().meta({ description: 'The host that it would go to; null without room' }),
  source: z.object({ site: z.string(), backupId: z.string(), backedUpAt: z.string(), sizeBytes: z.number().nullable() }).nullable().meta({
    description: 'What a restore would begin with',
  }),
});

export const movePlanAnswerSchema = component('MovePlanAnswer', z.object({
  plan: z.object({
    hosts: z.array(z.string()),
    primaries: z.number().int(),
    standbys: z.number().int(),
    restores: z.number().int().meta({ description: 'Databases that have nothing left elsewhere' }),
    moves: z.array(plannedMoveSchema),
  }),
}).meta({ description: 'What would move, and how.' }));
