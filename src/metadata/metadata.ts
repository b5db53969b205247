import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { becomeTenant } from './become-tenant.js';
import { poolOf } from './pool-of.js';
import type { Reach } from './reach.js';
import type { Select, SelectParameter } from './select.js';

/** The metadata database: the truth about what is and what should be. */
@Injectable()
export class Metadata {
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
      return (await pool.query({ name: nameStatement(text), text, values: [...parameters] })).rows as Row[];
    }
    // Several statements in one message are one transaction, which ends with it.
    const results = (await pool.query(`${becomeTenant(reach, 'read')}; ${inline(select)}`)) as unknown as { readonly rows: Row[] }[];
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
      await runner.query(`BEGIN; ${becomeTenant(reach, 'read')}`);
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

/** Hashed once: the same few statements are sent all the time. */
const names = new Map<string, string>();

/**
 * The name by which a server keeps a statement's plan. It is made of the text: connections are pooled, and whoever else
 * sends statements through the same pool must not mean another one by the same name.
 */
function nameStatement(text: string): string {
  const name = names.get(text) ?? `select_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  names.set(text, name);
  return name;
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
