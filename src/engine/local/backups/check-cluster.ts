import type { Client } from 'pg';

import { EngineError } from '../../errors.js';
import { quoteIdentifier } from '../sql/quote-sql.js';
import { cutConnection } from '../sql/control-connection.js';
import { type IsolatedServer, withIsolated, withIsolatedOwner } from '../sql/isolated-session.js';
import { describeRemark, judgeCheckError, type ServerError } from './judge-check.js';

/** What was found in a cluster: how much of it was checked, and either what is damaged or what its customer should know. */
export interface ClusterCheck {
  readonly relations: number;
  readonly damage: readonly string[];
  readonly remarks: readonly string[];
}

/** The customer's functions are run for so long in all; what they do not get to is told. */
const CODE_BUDGET_MS = 10 * 60_000;
/** What they may write in all: large objects and WAL are written in a transaction that only reads, too. */
const CODE_BUDGET_BYTES = 512 * 2 ** 20;
const MEASURE_EVERY_MS = 500;
/** How long a session that is ended may take to go. */
const END_WITHIN_MS = 5_000;
/** Enough to judge by; a damaged relation may have millions. */
const MOST_DAMAGE = 10;
const MOST_REMARKS = 50;

interface Relation {
  readonly oid: string;
  readonly name: string;
  readonly kind: 'heap' | 'btree';
  /** An index with an expression or a predicate, whose check runs what the customer wrote there. */
  readonly runsCode: boolean;
}

/**
 * In every statement names have their schema, and operators and functions exactly the types of one of PostgreSQL's own: the
 * databases are the customer's, who may have made trusted extensions in `pg_catalog`, too.
 */
const DATABASES = `SELECT datname AS name FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.<>) 'template0'::pg_catalog.name`;
const RELATIONS = `
  SELECT c.oid::pg_catalog.text AS oid, pg_catalog.quote_ident(n.nspname::pg_catalog.text) OPERATOR(pg_catalog.||) '.'::pg_catalog.text
           OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname::pg_catalog.text) AS name,
         CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'i'::pg_catalog."char" THEN 'btree' ELSE 'heap' END AS kind,
         (i.indexrelid IS NOT NULL AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND NOT o.rolsuper) AS "runsCode"
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    JOIN pg_catalog.pg_am a ON a.oid OPERATOR(pg_catalog.=) c.relam
    JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) c.relowner
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
   WHERE c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
     AND ((c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m,t}'::pg_catalog."char"[])
           AND a.amname OPERATOR(pg_catalog.=) 'heap'::pg_catalog.name)
       OR (c.relkind OPERATOR(pg_catalog.=) 'i'::pg_catalog."char" AND a.amname OPERATOR(pg_catalog.=) 'btree'::pg_catalog.name
           AND i.indisready AND i.indisvalid AND i.indislive))
   ORDER BY c.oid`;
const CHECK_HEAP = `
  SELECT blkno::pg_catalog.text AS block, offnum AS "offset", msg AS message
    FROM pg_catalog.verify_heapam(relation := $1::pg_catalog.oid::pg_catalog.regclass, on_error_stop := false, check_toast := true)
   LIMIT ${MOST_DAMAGE}`;
const CHECK_INDEX = 'SELECT pg_catalog.bt_index_check($1::pg_catalog.oid::pg_catalog.regclass, $2::pg_catalog.bool)';

/**
 * Checks every table, index and page of a cluster that is cut off from everybody, first what runs no code of the customer's,
 * then each index whose definition does: as the owner, who may do no more there than in the database itself, reading only,
 * within a bounded time. What that code does is no word about the backup, and becomes a remark.
 *
 * @throws EngineError `transient` for the drill's own trouble.
 */
export async function checkCluster(
  server: IsolatedServer, owner: string, signal: AbortSignal, bounds: CheckBounds = {},
): Promise<ClusterCheck> {
  const { budgetMs = CODE_BUDGET_MS } = bounds;
  const names = await withIsolated(server, 'postgres', signal, async (client) => {
    const { rows } = await client.query<{ name: string }>(DATABASES);
    // A database's owner may have closed it to others; here nobody else comes.
    for (const { name } of rows) await client.query(`ALTER DATABASE ${quoteIdentifier(name)} ALLOW_CONNECTIONS true CONNECTION LIMIT -1`);
    return rows.map(({ name }) => name);
  });
  const damage: string[] = [];
  const remarks: string[] = [];
  let leftMs = budgetMs;
  let relations = 0;
  for (const name of names) {
    const found = await withIsolated(server, name, signal, async (client) => checkRelations(client, owner));
    relations += found.relations.length;
    damage.push(...found.damage.map((text) => `${name}: ${text}`));
    const withCode = found.relations.filter(({ runsCode }) => runsCode);
    if (damage.length > 0) continue;
    const begun = performance.now();
    const time = { budgetMs, until: begun + leftMs };
    remarks.push(
      ...(await compareAsOwner({ server, database: name, owner, signal, time, bounds }, withCode)).map((text) => `${name}: ${text}`),
    );
    leftMs -= performance.now() - begun;
  }
  return { relations, damage: damage.slice(0, MOST_DAMAGE), remarks };
}

/** Checks all that can be checked without running what the customer wrote, as the control plane. */
async function checkRelations(client: Client, owner: string): Promise<{ relations: Relation[]; damage: string[] }> {
  // What the customer may have had made of it is made anew where nobody but a superuser makes anything.
  await client.query('DROP EXTENSION IF EXISTS amcheck CASCADE');
  await client.query('CREATE EXTENSION amcheck WITH SCHEMA pg_catalog');
  await client.query(
    `GRANT EXECUTE ON FUNCTION pg_catalog.bt_index_check(pg_catalog.regclass, pg_catalog.bool) TO ${quoteIdentifier(owner)}`,
  );
  const { rows: relations } = await client.query<Relation>(RELATIONS);
  const damage: string[] = [];
  for (const relation of relations) {
    if (damage.length >= MOST_DAMAGE) break;
    damage.push(...(await checkRelation(client, relation)));
  }
  return { relations, damage };
}

async function checkRelation(client: Client, { oid, name, kind, runsCode }: Relation): Promise<string[]> {
  try {
    if (kind === 'btree') {
      await client.query({ name: 'check-index', text: CHECK_INDEX, values: [oid, !runsCode] });
      return [];
    }
    const { rows } = await client.query<{ block: string; offset: number | null; message: string }>({
      name: 'check-heap', text: CHECK_HEAP, values: [oid],
    });
    return rows.map(({ block, offset, message }) => `${name}, block ${block}${offset === null ? '' : `, row ${offset}`}: ${message}`);
  } catch (error) {
    const { code, message } = error as ServerError;
    if (judgeCheckError({ code, message }) === 'damage') return [`${name}: ${message}`];
    throw new EngineError('transient', `the check of ${name} did not come to an end: ${message}`, 'try again, or on another host', {
      cause: error,
    });
  }
}

/** How far the customer's functions may go. */
export interface CheckBounds {
  readonly budgetMs?: number;
  readonly budgetBytes?: number;
  /** What the cluster takes on disk. */
  readonly measure?: () => Promise<number>;
}

interface Comparison {
  readonly server: IsolatedServer;
  readonly database: string;
  readonly owner: string;
  readonly signal: AbortSignal;
  /** For the customer's functions; `until` is by the clock of `performance.now()`. */
  readonly time: { readonly budgetMs: number; readonly until: number };
  readonly bounds: CheckBounds;
}

/** Compares indexes with their tables; a session that does not end in time is ended, and the next one begins anew. */
async function compareAsOwner(comparison: Comparison, indexes: readonly Relation[]): Promise<string[]> {
  const { budgetMs, until } = comparison.time;
  const remarks: string[] = [];
  const left = [...indexes];
  while (left.length > 0 && remarks.length < MOST_REMARKS) {
    const [first] = left;
    if (!first) break;
    if (performance.now() >= until) {
      return [...remarks, ...left.map(({ name }) => describeRemark(name, { message: '' }, { over: 'time', budgetMs }))];
    }
    const remark = await compare(comparison, left);
    if (remark !== undefined) remarks.push(remark);
  }
  return left.length === 0
    ? remarks
    : [...remarks, `${left.length} more indexes with functions in their definitions were not compared with their tables`];
}

/** Compares the first of the indexes, and those after it as long as nothing is to be told; takes them off the list. */
async function compare({ server, database, owner, signal, time, bounds }: Comparison, left: Relation[]): Promise<string | undefined> {
  let name = left[0]?.name ?? '';
  let over: 'time' | 'room' | undefined;
  try {
    await withIsolatedOwner(server, { database, owner }, signal, async (client, pid) => {
      const end = (why: 'time' | 'room'): void => {
        over ??= why;
        void endSession(server, pid, signal).finally(() => cutConnection(client));
      };
      const timer = setTimeout(() => end('time'), Math.max(0, time.until - performance.now()));
      const before = await bounds.measure?.();
      const meter = setInterval(() => {
        void bounds.measure?.().then(
          (bytes) => bytes - (before ?? bytes) > (bounds.budgetBytes ?? CODE_BUDGET_BYTES) && end('room'), () => undefined,
        );
      }, MEASURE_EVERY_MS);
      try {
        for (let index = left.shift(); index; index = left.shift()) {
          ({ name } = index);
          await client.query(CHECK_INDEX, [index.oid, true]);
        }
      } finally {
        clearTimeout(timer);
        clearInterval(meter);
      }
    });
    return undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    if (left[0]?.name === name) left.shift();
    const { code, message } = error as ServerError;
    // Further checks may write as much, and there is no room for it.
    if (over === 'room') left.length = 0;
    return describeRemark(name, { code, message }, { over, budgetMs: time.budgetMs });
  }
}

/** A cancellation can be caught by a function; an end cannot. */
async function endSession(server: IsolatedServer, pid: number, signal: AbortSignal): Promise<void> {
  await withIsolated(server, 'postgres', signal, (client) =>
    client.query('SELECT pg_catalog.pg_terminate_backend($1::pg_catalog.int4, $2::pg_catalog.int8)', [pid, END_WITHIN_MS]),
  ).catch(() => undefined);
}
