import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import type { Reach } from './reach.js';

/** The metadata database: the truth about what is and what should be. */
@Injectable()
export class Metadata {
  constructor(readonly dataSource: DataSource) {}

  /** Runs in one transaction with full rights; either all of it happens or nothing. */
  transaction<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    return this.dataSource.transaction(work);
  }

  /**
   * Reads as one who sees only so far: the second belt of tenant isolation. Row-level security hides every other
   * tenant's rows, also from a query that forgot its own condition.
   */
  async read<Result>(reach: Reach, work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    if (reach.sees === 'everything') return work(this.dataSource.manager);
    const runner = this.dataSource.createQueryRunner();
    try {
      // One round trip begins it all; on the way back nobody has to wait for the end of what only read.
      await runner.query(beginAs(reach));
      const result = await work(runner.manager);
      void runner.query('COMMIT').catch(() => undefined).finally(() => void runner.release());
      return result;
    } catch (error) {
      await runner.query('ROLLBACK').catch(() => undefined);
      await runner.release();
      throw error;
    }
  }
}

/** Begins a transaction that sees only so far. */
function beginAs(reach: Exclude<Reach, { readonly sees: 'everything' }>): string {
  const [setting, id] = reach.sees === 'customer' ? ['customer', reach.customerId] : ['creator', reach.credentialId];
  return `BEGIN; SET LOCAL ROLE freehold_tenant; SET LOCAL freehold.${setting} = ${pg.escapeLiteral(id)}`;
}
