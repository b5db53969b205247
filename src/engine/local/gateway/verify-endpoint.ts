import pg from 'pg';

import { EngineError } from '../../errors.js';
import type { Effect, EndpointProof, InstanceRef, Route } from '../../ports.js';
import { withClient } from '../instances/control-connection.js';
import { instanceContext, readPort } from '../instances/instance-context.js';
import { quoteIdentifier } from '../instances/sql.js';
import type { LocalFleet } from '../local-fleet.js';
import { waitUntil } from '../wait-until.js';
import { pooledRoute, sessionRoute } from './route-file.js';

const SCHEMA_PREFIX = 'freehold_verify_';
const CONNECT_WITHIN_MS = 10_000;

interface Customer {
  readonly address: string;
  readonly port: number;
  /** The name that the certificate must carry. */
  readonly host: string;
  readonly authority: string;
  readonly owner: string;
  readonly password: string;
}

/**
 * Proves a database as its customer would use it: through both routes, with TLS and the password, and on each standby.
 *
 * The row is in a schema of its own that is dropped at the end. What an interrupted proof left is dropped by the next:
 * schemas are named by token, and only those up to one's own are touched.
 */
export async function verifyEndpoint(fleet: LocalFleet, route: Route, password: string, standbys: readonly InstanceRef[], effect: Effect): Promise<EndpointProof> {
  const region = fleet.region(route.database.region);
  const customer: Customer = {
    address: region.gateway.address,
    port: region.gateway.port,
    host: fleet.description.publicHost ?? region.gateway.address,
    authority: await fleet.authorityCertificate(region.id),
    owner: route.database.owner,
    password,
  };
  const { name } = route.database;
  const schema = quoteIdentifier(`${SCHEMA_PREFIX}${effect.token}`);
  const startedAt = performance.now();
  return asCustomer(customer, sessionRoute(name), effect.signal, async (session) => {
    // One message, so that the customer's commit waits for the standby once.
    await session.query(`BEGIN; DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.proof AS SELECT 1 AS written; COMMIT`);
    const writeMs = Math.round(performance.now() - startedAt);
    try {
      const [, readOn] = await Promise.all([
        updateThroughPool(customer, name, schema, effect.signal),
        Promise.all(standbys.map((standby) => readOnStandby(fleet, customer, standby, schema, effect.signal))),
      ]);
      return { writeMs, readOn };
    } finally {
      await dropProofs(session, effect.token);
    }
  });
}

async function updateThroughPool(customer: Customer, name: string, schema: string, signal: AbortSignal): Promise<void> {
  await asCustomer(customer, pooledRoute(name), signal, async (pooled) => {
    const { rowCount } = await pooled.query(`UPDATE ${schema}.proof SET written = 2`);
    if (rowCount !== 1) throw new EngineError('transient', `the pooled route of ${name} does not lead to the database of its session route`, 'open the route again');
  });
}

/**
 * As the owner, and not as the control plane: a superuser that reads what a customer made would run what the customer
 * put there, a view for example, with all its rights.
 */
async function readOnStandby(fleet: LocalFleet, customer: Customer, standby: InstanceRef, schema: string, signal: AbortSignal): Promise<string> {
  const context = instanceContext(fleet, standby);
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `standby ${standby.id} was not made yet`, 'attach it first');
  await asCustomer({ ...customer, address: context.address, host: context.address, port }, standby.database.name, signal, (client) =>
    waitUntil(`the row on standby ${standby.id}`, signal, async () => {
      const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.proof`]);
      if (rows[0]?.there !== true) return undefined;
      const { rowCount } = await client.query(`SELECT FROM ${schema}.proof WHERE written > 0`);
      return rowCount === 1 ? true : undefined;
    }),
  );
  return standby.id;
}

async function dropProofs(session: pg.Client, token: bigint): Promise<void> {
  const { rows } = await session.query<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^${SCHEMA_PREFIX}[0-9]+$'`);
  const own = rows.map((row) => row.name).filter((name) => BigInt(name.slice(SCHEMA_PREFIX.length)) <= token);
  if (own.length > 0) await session.query(`DROP SCHEMA IF EXISTS ${own.map(quoteIdentifier).join(', ')} CASCADE`);
}

function asCustomer<T>(customer: Customer, database: string, signal: AbortSignal, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: customer.address,
    port: customer.port,
    user: customer.owner,
    password: customer.password,
    database,
    application_name: 'freehold-verify',
    // The gateway's loopback address is reached in any case; the certificate must carry the endpoint's name.
    ssl: { ca: customer.authority, minVersion: 'TLSv1.2', host: customer.host },
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
  });
  return withClient(client, signal, body);
}
