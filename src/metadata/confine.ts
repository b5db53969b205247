import type { EntityManager } from 'typeorm';
import { becomeTenant, TENANT_ROLES } from './become-tenant.js';
import type { Reach } from './reach.js';

/** Transactions that write as somebody who sees only so far. */
const confined = new WeakSet<EntityManager>();

/**
 * Does a part of a transaction as somebody who sees only so far: row-level security keeps its writes, too, within the reach,
 * also those of a statement that forgot its own condition.
 */
export async function confine<Result>(tx: EntityManager, reach: Reach, work: () => Promise<Result>): Promise<Result> {
  if (reach.sees === 'everything') return work();
  await tx.query(becomeTenant(reach, 'write'));
  confined.add(tx);
  const result = await work();
  await leave(tx);
  return result;
}

/**
 * Does a part of such a transaction with full rights: what has to look at everybody's things to decide about one, such as a
 * placement, and the kernel, which keeps the operations of all.
 */
export async function withFullRights<Result>(tx: EntityManager, work: () => Promise<Result>): Promise<Result> {
  if (!confined.has(tx)) return work();
  await leave(tx);
  const result = await work();
  await tx.query(`SET LOCAL ROLE ${TENANT_ROLES.write}`);
  confined.add(tx);
  return result;
}

/** How far it sees is kept for when the role is taken again. An error needs none of this: it ends the transaction. */
async function leave(tx: EntityManager): Promise<void> {
  await tx.query('SET LOCAL ROLE NONE');
  confined.delete(tx);
}
