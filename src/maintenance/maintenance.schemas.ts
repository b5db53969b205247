import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { pageSchema } from '../http/paging.js';
import './maintenance.problems.js';

/** With any offset, as the contract says. */
const time = z.iso.datetime({ offset: true, error: 'must be a time with an offset, such as 2026-12-05T02:00:00Z' });

const WINDOW_STATES = ['planned', 'running', 'ended', 'cancelled'] as const;
export type WindowState = (typeof WINDOW_STATES)[number];

export const newWindowSchema = z.strictObject({
  region: z.string().min(1).max(100).optional().meta({ description: 'May be left out if a host is named' }),
  host: z.string().min(1).max(100).nullable().optional().meta({ description: 'For one host alone' }),
  startsAt: time,
  endsAt: time.meta({ description: 'Within an hour of the start' }),
  reason: z.string().trim().min(1).max(500).nullable().optional().meta({
    description: 'Shown to everybody. Needed for an urgent window, and for a second one of a region within two months',
  }),
  urgent: z.boolean().default(false).meta({ description: 'It cannot wait for a time that the service level allows' }),
}).refine(({ region, host }) => region !== undefined || typeof host === 'string', { path: ['region'], error: 'name a region or a host' });
export type NewWindowBody = z.output<typeof newWindowSchema>;

export const windowFilterSchema = pageSchema.extend({
  region: z.string().max(100).optional(),
  state: z.enum(WINDOW_STATES).optional(),
});
export type WindowFilter = z.output<typeof windowFilterSchema>;

export const windowSchema = component('MaintenanceWindow', z.object({
  id: z.string(),
  region: z.string(),
  host: z.string().nullable().meta({ description: 'Null for the whole region' }),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  timeZone: z.string().meta({ description: 'The region\'s own, by which business hours are told' }),
  state: z.enum(WINDOW_STATES),
  urgent: z.boolean(),
  reason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  cancelledAt: z.iso.datetime().nullable(),
}).meta({ description: 'Time that is set aside for work that interrupts; it does not count as downtime.' }));
export type WindowDocument = z.output<typeof windowSchema>;
export const windowListSchema = listOf('MaintenanceWindowList', windowSchema);
