import type { Client } from 'pg';

import type { DatabaseSpec } from '../../ports.js';
import type { Gate } from '../host-shell/gate.js';
import { psqlLine } from '../sql/psql-line.js';
import { quoteLiteral } from '../instances/sql.js';
import type { LocalFleet } from '../local-fleet.js';
import { waitUntil, within } from '../wait-until.js';
import { showLists, showServers, waitUntilHeld } from './admin-console.js';
import { CLIENT_LOGIN_TIMEOUT_S } from './gateway-config.js';
import type { GatewayProcess } from './gateway-process.js';
import { routeContent, readRoute, routeNames, type RouteFile } from './route-file.js';

/** A route at work on, and what is needed for it. */
export interface Holding {
  readonly fleet: LocalFleet;
  readonly gateway: GatewayProcess;
  readonly database: DatabaseSpec;
  readonly file: RouteFile;
  /** The route's own: everything that has an effect on the gateway is said by a child of it. */
  readonly route: Gate;
  /** For looking only. */
  readonly console: Client;
  readonly signal: AbortSignal;
}

/** Between two looks at what has not ended yet; the gateway has to list all its connections for it. */
export const REST_POLL_MS = 10;
/** How long servers may take to end by themselves: whoever closes a route fences its primary at the same time. */
const END_BY_THEMSELVES_MS = 300;
const CUT_WITHIN_MS = 3_000;

/** Writes down that a route is closed; undefined if the database has none, so that there is nothing to close. */
export async function writeClosed(gateway: GatewayProcess, route: Gate, database: DatabaseSpec): Promise<RouteFile | undefined> {
  const file = await readRoute(gateway.shell, gateway.paths.routes, database.id);
  if (file?.open) await route.install([routeContent(gateway.paths.routes, { ...file, open: false })]);
  return file;
}

/** Pauses both routes: no new transaction or session begins. Returns once the gateway has taken it. */
export async function holdRoutes({ gateway, database, route, console, signal }: Holding, limitMs: number): Promise<void> {
  const names = routeNames(database.name);
  await route.must(await gateway.pauseLine(names, limitMs), 'pausing the routes');
  await waitUntilHeld(console, names, signal);
}

/**
 * Lets nobody in, and cuts who is in: a client whose server is gone is ended, and one without a server waits.
 *
 * KILL would do both at once. But it frees what a client who is just logging in goes on to use, and has crashed gateways
 * with it, whose other clients were cut too (pgbouncer issue 1401, open in 1.24). It is left for servers that nobody can
 * end.
 */
export async function cutClients(holding: Holding): Promise<void> {
  const began = performance.now();
  await holdRoutes(holding, CUT_WITHIN_MS);
  await waitUntil(`the servers of ${holding.database.name} to end`, within(holding.signal, CUT_WITHIN_MS), async () => {
    if (!(await hasServers(holding, routeNames(holding.database.name)))) return true;
    if (performance.now() - began > END_BY_THEMSELVES_MS) await endSessions(holding, 'true').catch(() => undefined);
    return undefined;
  }, REST_POLL_MS).catch(async (error: unknown) => {
    if (holding.signal.aborted) throw error;
    const names = routeNames(holding.database.name);
    await killRoutes(holding, names);
    await holding.gateway.say(holding.route, names.map((name) => `ENABLE "${name}"`), 'letting new clients wait');
  });
}

export async function hasServers({ console }: Holding, names: readonly string[]): Promise<boolean> {
  return (await showServers(console)).some(({ database }) => names.includes(database));
}

/**
 * Ends the customer's sessions at the server of which a condition holds; answers how many there were, and when.
 *
 * By a child of the route's gate, so that a caller who slept cannot cut clients that came later.
 */
export async function endSessions({ fleet, database, file, route }: Holding, condition: string): Promise<{ left: number; now: string }> {
  const statement = `SELECT count(*), clock_timestamp(), count(CASE WHEN ${condition} THEN pg_terminate_backend(pid) END) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = ${quoteLiteral(database.name)} AND usename = ${quoteLiteral(database.owner)};`;
  const server = { address: file.address, port: file.port, authorityPath: fleet.authorityPath(database.region), password: database.secrets.control, applicationName: 'freehold-pause' };
  const output = await route.must(psqlLine(fleet, server, [statement]), 'ending sessions');
  const [left = '0', now = ''] = output.trim().split('|');
  return { left: Number(left), now };
}

/** Refuses new clients, and cuts all others once nobody is logging in any more: see {@link cutClients}. */
export async function killRoutes({ gateway, route, console, signal }: Pick<Holding, 'gateway' | 'route' | 'console' | 'signal'>, names: readonly string[]): Promise<void> {
  await gateway.say(route, names.map((name) => `DISABLE "${name}"`), 'refusing new clients');
  // Whoever has begun to log in is done with it in this time, or is ended; at one moment without any, none of them is left.
  const limit = within(signal, (CLIENT_LOGIN_TIMEOUT_S + 1) * 1_000);
  await waitUntil('clients to be logged in', limit, async () => ((await showLists(console)).get('login_clients') === 0 ? true : undefined)).catch((error: unknown) => {
    if (signal.aborted) throw error;
  });
  await gateway.say(route, names.map((name) => `KILL "${name}"`), 'cutting the clients');
}
