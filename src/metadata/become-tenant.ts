import pg from 'pg';
import type { Reach } from './reach.js';

type Tenant = Exclude<Reach, { readonly sees: 'everything' }>;

/** The roles that row-level security confines; the one for changes can write what tenants ask for, and no more. */
export const TENANT_ROLES = { read: 'freehold_tenant', write: 'freehold_tenant_writer' } as const;

/** The statements that make the transaction that they are sent in see, or see and write, only so far. */
export function becomeTenant(reach: Tenant, to: keyof typeof TENANT_ROLES): string {
  const [setting, id] = reach.sees === 'customer' ? ['customer', reach.customerId] : ['creator', reach.credentialId];
  return `SET LOCAL ROLE ${TENANT_ROLES[to]}; SET LOCAL freehold.${setting} = ${pg.escapeLiteral(id)}`;
}
