import { EngineError } from '../../errors.js';
import type { DatabaseEndpoint, Effect, EndpointProof, InstanceRef, Route } from '../../ports.js';
import { instanceContext, readPort } from '../fleet/instance-context.js';
import { quoteIdentifier } from '../sql/quote-sql.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { asCustomer, type Customer, type CustomerSession } from '../sql/customer-session.js';
import { waitUntil } from '../../wait-until.js';

const SCHEMA_PREFIX = 'freehold_verify_';

/**
 * Proves a database as its customer would use it: through every route, with TLS and the password, and on each standby.
 *
 * The row is in a schema of its own that is dropped at the end. What an interrupted proof left is dropped by the next:
 * schemas are named by token, and only those up to one's own are touched.
 */
export async function verifyEndpoint(
  fleet: LocalFleet, endpoint: DatabaseEndpoint, { database }: Route, password: string, standbys: readonly InstanceRef[], effect: Effect,
): Promise<EndpointProof> {
  const { address } = fleet.region(database.region).gateway;
  const customer: Customer = {
    address,
    port: endpoint.port,
    host: endpoint.host,
    authority: await fleet.authorityCertificate(database.region),
    owner: database.owner,
    password,
    from: address,
  };
  const { name } = database;
  const schema = quoteIdentifier(`${SCHEMA_PREFIX}${effect.token}`);
  const startedAt = performance.now();
  return asCustomer(customer, name, effect.signal, async (session) => {
    await session.transact(
      'READ WRITE',
      `DROP SCHEMA IF EXISTS ${schema} CASCADE`,
      `CREATE SCHEMA ${schema}`,
      `CREATE TABLE ${schema}.proof AS SELECT 1 AS written`,
    );
    const writeMs = Math.round(performance.now() - startedAt);
    try {
      const [, , readOn] = await Promise.all([
        updateThroughPool({ ...customer, port: endpoint.pooledPort }, name, schema, effect.signal),
        asCustomer({ ...customer, port: endpoint.readOnlyPort }, name, effect.signal, (reader) =>
          readRow(reader, `through the read-only route of ${name}`, schema, effect.signal),
        ),
        Promise.all(standbys.map((standby) => readOnStandby(fleet, customer, standby, schema, effect.signal))),
      ]);
      return { writeMs, readOn };
    } finally {
      await dropProofs(session, effect.token);
    }
  });
}

async function updateThroughPool(customer: Customer, name: string, schema: string, signal: AbortSignal): Promise<void> {
  await asCustomer(customer, name, signal, async (pooled) => {
    const [updated] = await pooled.transact('READ WRITE', `UPDATE ${schema}.proof SET written = 2`);
    if (updated?.rowCount !== 1)
      throw new EngineError(
        'transient',
        `the pooled route of ${name} does not lead to the database of its session route`,
        'open the route again',
      );
  });
}

/**
 * As the owner, and not as the control plane: a superuser that reads what a customer made would run what the customer
 * put there, a view for example, with all its rights.
 */
async function readOnStandby(
  fleet: LocalFleet,
  customer: Customer,
  standby: InstanceRef,
  schema: string,
  signal: AbortSignal,
): Promise<string> {
  const context = instanceContext(fleet, standby);
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `standby ${standby.id} was not made yet`, 'attach it first');
  await asCustomer({ ...customer, address: context.address, host: context.serverName, port }, standby.database.name, signal, (session) =>
    readRow(session, `on standby ${standby.id}`, schema, signal),
  );
  return standby.id;
}

function readRow(session: CustomerSession, where: string, schema: string, signal: AbortSignal): Promise<true> {
  return waitUntil(`the row ${where}`, signal, async () => {
    const [found] = await session.transact(
      'READ ONLY',
      `SELECT pg_catalog.to_regclass('${schema}.proof'::pg_catalog.text) IS NOT NULL AS there`,
    );
    if ((found?.rows[0] as { there: boolean } | undefined)?.there !== true) return undefined;
    const [read] = await session.transact('READ ONLY', `SELECT FROM ${schema}.proof WHERE written OPERATOR(pg_catalog.>) 0`);
    return read?.rowCount === 1 ? true : undefined;
  });
}

async function dropProofs(session: CustomerSession, token: bigint): Promise<void> {
  const [found] = await session.transact('READ ONLY',
    `SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.~) '^${SCHEMA_PREFIX}[0-9]+$'::pg_catalog.text`);
  const names = (found?.rows ?? []).map(({ name }: { name: string }) => name);
  const own = names.filter((name) => BigInt(name.slice(SCHEMA_PREFIX.length)) <= token);
  if (own.length > 0) await session.transact('READ WRITE', `DROP SCHEMA IF EXISTS ${own.map(quoteIdentifier).join(', ')} CASCADE`);
}
