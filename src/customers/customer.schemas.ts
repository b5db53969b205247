import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { asProblem, text } from '../http/validation.js';
import './customer.problems.js';

export const newCustomerSchema = z.strictObject({
  name: text(200).meta({ description: 'The name of the company or person', example: 'Ada Ltd' }),
  email: asProblem(
    'invalid-email', z.email('must be an e-mail address').max(254, 'may have at most 254 characters').meta({ example: 'ada@example.com' }),
  ),
});
export type NewCustomer = z.output<typeof newCustomerSchema>;

export const customerSchema = component('Customer', z.object({
  id: z.string().meta({ example: 'cus_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  name: z.string(),
  email: z.string(),
  createdAt: z.iso.datetime(),
}).meta({ description: 'The tenant: owns databases and has users.' }));
export const customerListSchema = listOf('CustomerList', customerSchema);

const LATEST_EXPIRY_YEARS = 10;

export const newApiKeySchema = z.strictObject({
  name: text(100).meta({ example: 'deploy script' }),
  scopes: z.array(text(100)).min(1).max(10).optional().meta({ description: 'By default `customer:<id>`' }),
  expiresAt: z.iso.datetime({ offset: true }).transform((at) => new Date(at))
    .refine((at) => at.getTime() > Date.now(), 'must be in the future')
    .refine((at) => at.getTime() < Date.now() + LATEST_EXPIRY_YEARS * 366 * 86_400_000, `must be within ${LATEST_EXPIRY_YEARS} years`)
    .optional(),
});
export type NewApiKeyBody = z.output<typeof newApiKeySchema>;

export const apiKeySchema = component('ApiKey', z.object({
  id: z.string().meta({ example: 'key_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
}).meta({ description: "A program's credential; the key itself is shown once, when it is made." }));
export const apiKeyListSchema = listOf('ApiKeyList', apiKeySchema);

export const newApiKeyAnswerSchema = component('NewApiKey', apiKeySchema.extend({ key: z.string() }));
export type ApiKeyDocument = z.output<typeof apiKeySchema>;
export type NewApiKeyAnswer = z.output<typeof newApiKeyAnswerSchema>;
