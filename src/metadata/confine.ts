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
 * placement, and the kernel, which keeps the operations of all. They end with that part, also if it throws: who catches the
 * error may go on.
 */
export async function withFullRights<Result>(tx: EntityManager, work: () => Promise<Result>): Promise<Result> {
  if (!confined.has(tx)) return work();
  await leave(tx);
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    // A transaction that a statement has failed in takes no role; if it goes on, it does so from a savepoint, with the role of then.
    await enter(tx).catch(() => undefined);
    throw error;
  }
  await enter(tx);
  return result;
}

async function enter(tx: EntityManager): Promise<void> {
  confined.add(tx);
  await tx.query(`SET LOCAL ROLE ${TENANT_ROLES.write}`);
}

/** How far it sees is kept for when the role is taken again. */
async function leave(tx: EntityManager): Promise<void> {
  await tx.query('SET LOCAL ROLE NONE');
  confined.delete(tx);
}
