import { EngineError } from '../../errors.js';
import type { DatabaseSpec } from '../../ports.js';
import type { GateSubject } from '../host-shell/gate.js';
import { quoteLiteral } from '../instances/sql.js';
import type { LocalFleet } from '../local-fleet.js';
import { waitUntil, within } from '../wait-until.js';
import { withConsole } from './admin-console.js';
import type { GatewayProcess } from './gateway-process.js';
import { cutClients, endSessions, hasServers, type Holding, holdRoutes, REST_POLL_MS, writeClosed } from './hold-route.js';
import { pooledRoute, routeContent, routeNames, sessionRoute } from './route-file.js';

/** What a line of the gate may take beyond the pause itself. */
const OVERHEAD_MS = 2_000;

interface Pausing extends Holding {
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
    await holdRoutes(pausing, pausing.until - performance.now() + OVERHEAD_MS);
    if (!(await restPool(pausing))) {
      throw new EngineError('transient', `transactions of ${pausing.database.name} did not end within ${limitMs} ms`, 'end the long transactions, or try again when it is quiet');
    }
    await restSessions(pausing);
  } catch (error) {
    // A stronger caller decides by itself, and one that was cut off has no way to say anything any more.
    await goOn(pausing).catch(() => undefined);
    throw error;
  }
}

/** Answers whether the pooled route's transactions ended in time: a paused route lets go of each server that nobody uses. */
async function restPool(pausing: Pausing): Promise<boolean> {
  const { database, signal, until } = pausing;
  const name = pooledRoute(database.name);
  const ask = async (): Promise<{ rests: boolean } | undefined> => {
    if (!(await hasServers(pausing, [name]))) return { rests: true };
    return performance.now() < until ? undefined : { rests: false };
  };
  return (await waitUntil(`the route ${name} to rest`, signal, ask, REST_POLL_MS)).rests;
}

async function goOn({ gateway, database, file, route }: Pausing): Promise<void> {
  // One that was not paused says so, which is as good.
  await route.run(await gateway.commandLine(routeNames(database.name).map((name) => `RESUME "${name}"`)));
  await route.install([routeContent(gateway.paths.routes, file)]);
}

async function restSessions(pausing: Pausing): Promise<void> {
  const { database, signal, until } = pausing;
  if (!(await hasServers(pausing, [sessionRoute(database.name)]))) return;
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
    await cutClients(pausing);
  });
}

/**
 * Ends the customer's sessions at the server that are between transactions, or in one that began after the first look:
 * whatever ran when the pause began may come to its end, and nothing new may begin. What is left of the pooled route by
 * now has no transaction.
 */
function endIdleSessions(pausing: Pausing, since: string): Promise<{ left: number; now: string }> {
  return endSessions(pausing, `state IN ('idle', 'idle in transaction (aborted)') OR xact_start > ${quoteLiteral(since)}::timestamptz`);
}
