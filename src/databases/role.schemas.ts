import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { isRoleName, ROLE_ACCESS } from '../engine/role-names.js';

export const roleName = z.string().refine(
  isRoleName,
  'must be 1 to 40 lower-case letters, digits and underscores, beginning with a letter, and none of PostgreSQL\'s own or Freehold\'s names',
);

const access = z.enum(ROLE_ACCESS).meta({
  description: '`readOnly`: reads tables, views and sequences; `readWrite`: inserts, updates and deletes, too. '
    + 'Of all that the owner has, and makes later, in every database',
});

export const newRoleSchema = z.strictObject({
  name: roleName.meta({ description: 'What it logs in as', example: 'reporting' }),
  access,
});
export type NewRoleBody = z.output<typeof newRoleSchema>;

export const roleSchema = component('Role', z.object({ name: z.string().meta({ example: 'reporting' }), access })
  .meta({ description: 'A role of the customer\'s own, beside the owner.' }));
export const roleListSchema = listOf('RoleList', roleSchema);
export type RoleDocument = z.output<typeof roleSchema>;
