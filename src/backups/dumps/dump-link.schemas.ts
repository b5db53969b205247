import { z } from 'zod';
import { component } from '../../http/components.js';

const QUARTER_SECONDS = 15 * 60;
const DAY_SECONDS = 24 * 60 * 60;

export const dumpLinkSchema = z.strictObject({
  validForSeconds: z.number().int().min(60).max(DAY_SECONDS).default(QUARTER_SECONDS).meta({
    description: 'How long it can be used: a quarter of an hour unless said, at most a day',
  }),
}).prefault({});
export type DumpLinkBody = z.output<typeof dumpLinkSchema>;

export const dumpLinkAnswerSchema = component('DumpLink', z.object({
  url: z.url().meta({ description: 'Shown once; whoever has it can download the dump' }), expiresAt: z.iso.datetime(),
})
  .meta({ description: 'A link by which a dump is downloaded once, without a key.' }));
