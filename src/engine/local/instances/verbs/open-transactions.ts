import { EngineError } from '../../../errors.js';
import type { OpenTransaction } from '../../../ports.js';
import { withKeptControl } from '../../sql/control-connection.js';
import type { InstanceContext } from '../../fleet/instance-context.js';
import { CONTROL_USER } from '../../sql/cluster-sql.js';
import { quoteLiteral } from '../../sql/quote-sql.js';

/** More are not told of; where there are so many, those that come after these are looked at next. */
const MOST_TRANSACTIONS = 50;

/** The same text for the same moment, whatever a session's settings are. */
const SINCE = `pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * Of whatever role and in whatever database of the instance. What was prepared for a two-phase commit is in nobody's way:
 * it belongs to no session, and outlives a promotion.
 */
const OPEN_TRANSACTIONS = `
  SELECT a.pid, coalesce(a.usename::text, '?') AS "user", coalesce(a.application_name, '') AS application,
         coalesce(a.state, 'active') AS state, ${SINCE} AS since,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start)::float8 AS "openSeconds"
    FROM pg_catalog.pg_stat_activity a
   WHERE a.backend_type = 'client backend' AND a.usename IS DISTINCT FROM '${CONTROL_USER}' AND a.xact_start IS NOT NULL
   ORDER BY a.xact_start LIMIT ${MOST_TRANSACTIONS}`;

export async function openTransactions(primary: InstanceContext, signal: AbortSignal): Promise<readonly OpenTransaction[]> {
  return withKeptControl(primary, signal, async (client) => (await client.query<OpenTransaction>(OPEN_TRANSACTIONS)).rows);
}

/** Ends sessions whose transaction is still the same: not those that have begun another, nor one that was given the same pid since. */
export function endTransactionsSql(transactions: readonly Pick<OpenTransaction, 'pid' | 'since'>[]): string {
  if (transactions.length === 0) throw new EngineError('permanent', 'there is no transaction to end');
  const wanted = transactions.map(({ pid, since }) => `(a.pid = ${Math.trunc(pid)} AND ${SINCE} = ${quoteLiteral(since)})`);
  return `SELECT pg_catalog.pg_terminate_backend(a.pid, 2000) FROM pg_catalog.pg_stat_activity a `
    + `WHERE a.backend_type = 'client backend' AND (${wanted.join(' OR ')});`;
}
