import type { Client } from 'pg';

import { EngineError } from '../../errors.js';
import type { DatabaseSpec } from '../../ports.js';
import type { Gate, GateSubject } from '../host-shell/gate.js';
import { psqlLine } from '../instances/instance-context.js';
import { quoteLiteral } from '../instances/sql.js';
import type { LocalFleet } from '../local-fleet.js';
import { waitUntil, within } from '../wait-until.js';
import { showRoutes, showServers, withConsole } from './admin-console.js';
import { cutClients, writeClosed } from './close-route.js';
import type { GatewayProcess } from './gateway-process.js';
import { pooledRoute, routeContent, routeNames, sessionRoute, type RouteFile } from './route-file.js';

/** What a line of the gate may take beyond the pause itself. */
const OVERHEAD_MS = 2_000;
/** Between two looks at what has not ended yet; the gateway has to list all its connections for it. */
const REST_POLL_MS = 10;

interface Pausing {
  readonly fleet: LocalFleet;
  readonly gateway: GatewayProcess;
  readonly database: DatabaseSpec;
  readonly file: RouteFile;
  /** The route's own: everything that has an effect on the gateway is said by a child of it. */
  readonly route: Gate;
  /** For looking only. */
  readonly console: Client;
  readonly signal: AbortSignal;
  /** By the clock of `performance.now()`. */
  readonly until: number;
}

/**
 * Brings both routes of a database to rest, within a limit, and lets nobody in until they are opened again.
 *
 * The pooled route waits for its transactions, and its clients notice nothing but the wait. A session cannot be moved to
 * another server: each is ended at the server as soon as the transaction that it was in is over, or is cut at the limit.
 *
 * @throws EngineError `transient` if the pooled route does not come to rest in time; everybody goes on then.
 */
export async function pauseRoute(fleet: LocalFleet, gateway: GatewayProcess, subject: GateSubject, database: DatabaseSpec, limitMs: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + limitMs;
  await gateway.shell.fenced(subject, signal, async (route) => {
    const file = await writeClosed(gateway, route, database);
    // Without a gateway there is nobody to wait for, and one that starts finds the route closed.
    if (!file || !(await gateway.find())) return;
    await withConsole(await gateway.console(), signal, (console) => bringToRest({ fleet, gateway, database, file, route, console, signal, until }, limitMs));
  });
}

async function bringToRest(pausing: Pausing, limitMs: number): Promise<void> {
  try {
    await hold(pausing);
    if (!(await restPool(pausing))) {
      throw new EngineError('transient', `transactions of ${pausing.database.name} did not end within ${limitMs} ms`, 'end the long transactions, or try again when it is quiet');
    }
    await endSessions(pausing);
  } catch (error) {
    // A stronger caller decides by itself, and one that was cut off has no way to say anything any more.
    await goOn(pausing).catch(() => undefined);
    throw error;
  }
}

/**
 * Pauses both routes: no new transaction or session begins.
 *
 * The gateway's answer is not waited for. It comes once every paused route of every database is at rest, and so may be
 * kept waiting by another's; but that the commands have arrived is seen, for they must not arrive later than an opening.
 */
async function hold({ gateway, database, route, console, signal, until }: Pausing): Promise<void> {
  const names = routeNames(database.name);
  const limitSeconds = ((until - performance.now() + OVERHEAD_MS) / 1000).toFixed(3);
  const pauses = await Promise.all(names.map((name) => gateway.commandLine([`PAUSE "${name}"`], ['timeout', '-s', 'KILL', limitSeconds])));
  await route.must(pauses.map((pause) => `${pause} </dev/null >/dev/null 2>&1 9>&- &`).join(' '), 'pausing the routes');
  await waitUntil(`the routes of ${database.name} to be held`, signal, async () => {
    const states = await showRoutes(console);
    return names.every((name) => states.some((state) => state.name === name && state.paused)) ? true : undefined;
  });
}

/** Answers whether the pooled route's transactions ended in time: a paused route lets go of each server that nobody uses. */
async function restPool({ database, console, signal, until }: Pausing): Promise<boolean> {
  const name = pooledRoute(database.name);
  const ask = async (): Promise<{ rests: boolean } | undefined> => {
    if (!(await showServers(console)).some((server) => server.database === name)) return { rests: true };
    return performance.now() < until ? undefined : { rests: false };
  };
  return (await waitUntil(`the route ${name} to rest`, signal, ask, REST_POLL_MS)).rests;
}

async function goOn({ gateway, database, file, route }: Pausing): Promise<void> {
  // One that was not paused says so, which is as good.
  await route.run(await gateway.commandLine(routeNames(database.name).map((name) => `RESUME "${name}"`)));
  await route.install([routeContent(gateway.paths.routes, file)]);
}

async function endSessions(pausing: Pausing): Promise<void> {
  const { gateway, database, route, console, signal, until } = pausing;
  const name = sessionRoute(database.name);
  const sessions = await showServers(console);
  if (!sessions.some((server) => server.database === name)) return;
  let since = 'infinity';
  await waitUntil(
    `the sessions of ${database.name} to end`,
    within(signal, Math.max(1, Math.ceil(until - performance.now()))),
    async () => {
      const { left, now } = await endIdleSessions(pausing, since);
      since = since === 'infinity' ? now : since;
      return left === 0 ? true : undefined;
    },
    REST_POLL_MS,
  ).catch(async (error: unknown) => {
    if (signal.aborted || performance.now() < until) throw error;
    await cutClients(gateway, route, [name]);
  });
}

/**
 * Ends the customer's sessions at the server that are between transactions, or in one that began after the first look:
 * whatever ran when the pause began may come to its end, and nothing new may begin. What is left of the pooled route by
 * now has no transaction.
 */
async function endIdleSessions({ fleet, database, file, route }: Pausing, since: string): Promise<{ left: number; now: string }> {
  const ended = `state IN ('idle', 'idle in transaction (aborted)') OR xact_start > ${quoteLiteral(since)}::timestamptz`;
  const statement = `SELECT count(*), clock_timestamp(), count(CASE WHEN ${ended} THEN pg_terminate_backend(pid) END) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = ${quoteLiteral(database.name)} AND usename = ${quoteLiteral(database.owner)};`;
  const server = { address: file.address, port: file.port, authorityPath: fleet.authorityPath(database.region), password: database.secrets.control, applicationName: 'freehold-pause' };
  const output = await route.must(psqlLine(fleet, server, [statement]), 'ending sessions');
  const [left = '0', now = ''] = output.trim().split('|');
  return { left: Number(left), now };
}
