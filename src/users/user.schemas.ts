import { z } from 'zod';
import { USER_ROLES } from '../access/actor.js';
import { findPasswordFault, LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../access/sign-in/password-rules.js';
import type { User } from '../access/users/users.service.js';
import { component, listOf } from '../http/components.js';
import { pageSchema } from '../http/paging.js';
import { asProblem, text } from '../http/validation.js';
import './user.problems.js';

/** An address that is to become a user's. */
export const emailSchema = z.string().trim().max(254, 'may have at most 254 characters')
  .regex(/^[^\s@\p{Control}]+@[^\s@\p{Control}]+$/u, 'must be an e-mail address').meta({ example: 'ada@example.com' });

/** A password as somebody signs in with it: what is too long is nobody's. */
export const givenPasswordSchema = z.string().min(1, 'may not be empty').max(4 * LONGEST_PASSWORD, 'is longer than any password');

/** A password as it is chosen. */
export const newPasswordSchema = asProblem('weak-password', z.string()
  .superRefine((password, context) => {
    const fault = findPasswordFault(password);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({ description: `${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters of any kind`, example: 'seven green kettles hum' }));

export const userSchema = component('User', z.object({
  id: z.string().meta({ example: 'usr_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  customerId: z.string().nullable().meta({ description: 'null for an operator' }),
  role: z.enum(USER_ROLES),
  email: z.string(),
  name: z.string().nullable(),
  state: z.enum(['active', 'disabled']),
  createdAt: z.iso.datetime(),
  lastSignInAt: z.iso.datetime().nullable(),
}).meta({ description: 'A person who signs in: an owner or a member, who only reads, of a customer, or an operator.' }));
export type UserDocument = z.output<typeof userSchema>;
export const userListSchema = listOf('UserList', userSchema);

export const userFilterSchema = pageSchema.extend({
  customerId: z.string().max(100).optional(),
  role: z.enum(USER_ROLES).optional(),
});

const roleOfCustomer = z.enum(['owner', 'member']).meta({ description: '`owner`: may do all for the customer; `member`: reads' });

export const newUserSchema = z.strictObject({
  email: emailSchema,
  name: text(200).optional(),
  role: z.enum(USER_ROLES),
  customerId: z.string().max(100).optional().meta({ description: 'Whose user it is; left out for an operator' }),
  password: newPasswordSchema.optional(),
});
export type NewUserBody = z.output<typeof newUserSchema>;

export const resetUserSchema = z.strictObject({
  password: newPasswordSchema.optional(),
  secondFactor: z.boolean().default(false).meta({ description: 'Whether the second factor is removed, too' }),
});
export type ResetUserBody = z.output<typeof resetUserSchema>;

export const roleSchema = z.strictObject({ role: roleOfCustomer });

/** A password that somebody else has seen, which is changed at the first sign-in. */
export const userPasswordSchema = component('UserPassword', z.object({
  user: userSchema,
  password: z.string().meta({ description: 'Shown once; it has to be changed at the first sign-in' }),
}));
export type UserPassword = z.output<typeof userPasswordSchema>;

export const newInvitationSchema = z.strictObject({ email: emailSchema, role: roleOfCustomer });
export type NewInvitationBody = z.output<typeof newInvitationSchema>;
export const newOperatorInvitationSchema = z.strictObject({ email: emailSchema });

export const invitationSchema = component('Invitation', z.object({
  id: z.string().meta({ example: 'inv_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  customerId: z.string().nullable(),
  role: z.enum(USER_ROLES),
  email: z.string(),
  state: z.enum(['open', 'accepted', 'revoked', 'expired']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
}).meta({ description: 'A mail by which somebody becomes a user.' }));
export type InvitationDocument = z.output<typeof invitationSchema>;
export const invitationListSchema = listOf('InvitationList', invitationSchema);
export const invitationFilterSchema = pageSchema.extend({ customerId: z.string().max(100).optional() });

const token = z.string().min(1).max(200).meta({ description: 'From the mail' });
export const acceptSchema = z.strictObject({ token, password: newPasswordSchema, name: text(200).optional() });
export type AcceptBody = z.output<typeof acceptSchema>;

export const resetRequestSchema = z.strictObject({ email: emailSchema });
export const useResetSchema = z.strictObject({ token, password: newPasswordSchema });
export type UseResetBody = z.output<typeof useResetSchema>;

export function describeUser({ id, customerId, role, email, name, disabledAt, createdAt, lastSignInAt }: User): UserDocument {
  return {
    id, customerId, role, email, name, state: disabledAt === null ? 'active' : 'disabled', createdAt: createdAt.toISOString(),
    lastSignInAt: lastSignInAt?.toISOString() ?? null,
  };
}
