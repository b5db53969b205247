import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { poolOf } from './pool-of.js';
import type { Reach } from './reach.js';
import type { Select, SelectParameter } from './select.js';

/** The metadata database: the truth about what is and what should be. */
@Injectable()
export class Metadata {
  /** The statements that were sent, under the names by which the server keeps their plans. */
  private readonly prepared = new Map<string, string>();

  constructor(readonly dataSource: DataSource) {}

  /** Runs in one transaction with full rights; either all of it happens or nothing. */
  transaction<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    return this.dataSource.transaction(work);
  }

  /**
   * Runs one statement as one who sees only so far, in one round trip: what is read most often costs most of a process's
   * time in between.
   */
  async select<Row>(reach: Reach, select: Select): Promise<Row[]> {
    const pool = poolOf(this.dataSource);
    if (reach.sees === 'everything') {
      const { statement: text, parameters } = select;
      const name = this.prepared.get(text) ?? `select_${this.prepared.size}`;
      this.prepared.set(text, name);
      return (await pool.query({ name, text, values: [...parameters] })).rows as Row[];
    }
    // Several statements in one message are one transaction, which ends with it.
    const results = (await pool.query(`${becomeTenant(reach)}; ${inline(select)}`)) as unknown as { readonly rows: Row[] }[];
    return results.at(-1)?.rows ?? [];
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
      await runner.query(`BEGIN; ${becomeTenant(reach)}`);
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

type Tenant = Exclude<Reach, { readonly sees: 'everything' }>;

/** Makes the transaction that it is sent in see only so far. */
function becomeTenant(reach: Tenant): string {
  const [setting, id] = reach.sees === 'customer' ? ['customer', reach.customerId] : ['creator', reach.credentialId];
  return `SET LOCAL ROLE freehold_tenant; SET LOCAL freehold.${setting} = ${pg.escapeLiteral(id)}`;
}

/** Puts the parameters into the statement: several statements in one message can have none. */
function inline({ statement, parameters }: Select): string {
  return statement.replace(/\$(\d+)/g, (_, position: string) => writeLiteral(parameters[Number(position) - 1]));
}

function writeLiteral(value: SelectParameter | undefined): string {
  if (typeof value === 'string') return pg.escapeLiteral(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new TypeError('a parameter is missing, or no number');
}
