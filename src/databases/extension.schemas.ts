import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { EXTENSION_NAME, isCustomersSchema } from '../engine/extension-list.js';

export const extensionName = z.string().regex(EXTENSION_NAME, 'must be the name of an extension, such as hstore');

export const newExtensionSchema = z.strictObject({
  name: extensionName.meta({ description: 'See the list of extensions', example: 'earthdistance' }),
  schema: z.string().refine(isCustomersSchema, 'must be 1 to 63 characters, and none of PostgreSQL\'s own schemas').default('public')
    .meta({ description: 'Where its functions and types go; there already' }),
});
export type NewExtensionBody = z.output<typeof newExtensionSchema>;

export const extensionSchema = component('Extension', z.object({
  name: z.string().meta({ example: 'earthdistance' }),
  version: z.string(),
  description: z.string(),
  access: z.enum(['owner', 'request', 'refused', 'present']).meta({
    description: '`owner`: whoever owns the database makes it, with CREATE EXTENSION or here; `request`: Freehold makes it, here; '
      + '`refused`: it is not offered; `present`: it is in every database',
  }),
  why: z.string().meta({ description: 'What it is for, or why it is refused' }),
  requires: z.array(z.string()).meta({ description: 'What Freehold makes with it' }),
  installed: z.object({
    version: z.string(),
    schema: z.string(),
    by: z.enum(['freehold', 'owner']).meta({ description: 'Whose it is: who may drop it' }),
  }).nullable(),
}).meta({ description: 'An extension that the server has.' }));
export const extensionListSchema = listOf('ExtensionList', extensionSchema);
export type ExtensionDocument = z.output<typeof extensionSchema>;
