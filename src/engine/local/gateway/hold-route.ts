import type { DatabaseSpec, Effect } from '../../ports.js';
import type { Gate } from '../machine/gate.js';
import { quoteLiteral } from '../sql/quote-sql.js';
import { psqlLine } from '../sql/psql-line.js';
import { CONTROL_USER, DUMP_ROLE, REPLICATION_USER } from '../sql/cluster-sql.js';
import { POOLER_ROLE } from '../sql/pooler-sql.js';
import type { RegionGateway } from './region-gateway.js';
import { routeContent, type RouteFile } from './route-file.js';

/** A route at work on. */
export interface Holding {
  readonly gateway: RegionGateway;
  readonly database: DatabaseSpec;
  readonly file: RouteFile;
  /** The route's own: what has an effect on the pooler or on sessions is said by a child of it. */
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

/** Writes down that a route is held; undefined if the database has none, so that there is nothing to hold. */
export async function writeHeld(
  gateway: RegionGateway,
  gate: Gate,
  database: DatabaseSpec,
  { token }: Effect,
): Promise<RouteFile | undefined> {
  const file = await gateway.readRoute(database.id);
  if (!file) return undefined;
  const held = { ...file, token: token.toString(), open: false };
  await gate.install([routeContent(gateway.paths.routes, held)]);
  return held;
}

/**
 * Ends the customer's sessions at the server of which a condition holds; answers how many there were, and when.
 *
 * By a child of the route's gate, so that a caller who slept cannot cut clients that came later.
 */
export async function endSessions({ gateway, database, file, gate }: Holding, condition: string): Promise<{ left: number; now: string }> {
  const ours = [CONTROL_USER, DUMP_ROLE, REPLICATION_USER, POOLER_ROLE].map(quoteLiteral).join(', ');
  const statement = `
    SELECT count(*), clock_timestamp(), count(CASE WHEN ${condition} THEN pg_terminate_backend(pid) END) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usename NOT IN (${ours});`;
  const server = {
    ...file.target,
    serverName: gateway.fleet.serverName(database, file.target.address),
    authorityPath: gateway.fleet.authorityPath(database.region),
    password: database.secrets.control,
    applicationName: 'freehold-pause',
  };
  const output = await gate.must(psqlLine(gateway.fleet, server, [statement]), 'ending sessions');
  const [left = '0', now = ''] = output.trim().split('|');
  return { left: Number(left), now };
}
