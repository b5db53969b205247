import { Injectable } from '@nestjs/common';
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
    const customer = reach.sees === 'customer' ? reach.customerId : '';
    const creator = reach.sees === 'created-by' ? reach.credentialId : '';
    return this.dataSource.transaction(async (tx) => {
      await tx.query(
        `SELECT set_config('role', 'freehold_tenant', true), set_config('freehold.customer', $1, true), set_config('freehold.creator', $2, true)`,
        [customer, creator]);
      return work(tx);
    });
  }
}
