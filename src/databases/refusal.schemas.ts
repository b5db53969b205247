import { z } from 'zod';
import { component } from '../http/components.js';

const refusalSchema = component('Refusal', z.object({
  reason: z.string().meta({
    description: '`source-limit`: one address had too many connections, or too many new ones; `endpoint-limit`: all together had; '
      + '`allow-list`: the address may not connect; `first-bytes`: what came is not PostgreSQL\'s protocol, or nothing came; '
      + '`held-too-long`: the primary was not back within ten seconds',
    example: 'source-limit',
  }),
  count: z.int().meta({ description: 'How many connections' }),
  last: z.object({
    at: z.iso.datetime(),
    source: z.string().meta({ description: 'The address that was refused', example: '192.0.2.7' }),
  }).nullable().meta({ description: 'The newest that was written down; of many in a moment only some are' }),
}).meta({ description: 'Why clients of a database were refused before PostgreSQL heard of them.' }));

export const refusalListSchema = component('RefusalList', z.object({
  since: z.iso.datetime().nullable().meta({ description: 'Since when they are counted; null where nobody counts' }),
  data: z.array(refusalSchema),
  nextCursor: z.null(),
}));
export type RefusalList = z.output<typeof refusalListSchema>;
