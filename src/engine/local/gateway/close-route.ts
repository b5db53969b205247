import type { DatabaseSpec } from '../../ports.js';
import { commandFailure, type Gate, type GateSubject } from '../host-shell/gate.js';
import { AT_ONCE_MS } from '../host-shell/host-shell.js';
import { killCommand, type GatewayProcess } from './gateway-process.js';
import { readRoute, routeContent, routeNames, type RouteFile } from './route-file.js';

/**
 * Cuts the clients of a database's routes; new ones wait until the routes are opened again (`protocol.md`, rule 5).
 *
 * That they are closed is written down first: a gateway that dies before it is told finds it when it starts.
 */
export async function closeRoute(gateway: GatewayProcess, subject: GateSubject, database: DatabaseSpec, signal: AbortSignal): Promise<void> {
  await gateway.shell.fenced(
    subject,
    signal,
    async (route) => {
      if (!(await writeClosed(gateway, route, database))) return;
      if (await gateway.find()) return cutClients(gateway, route, routeNames(database.name));
      // One that is just being started may not know yet; whoever starts it holds the lock until it does.
      await gateway.locked(signal, async () => {
        if (await gateway.find()) await cutClients(gateway, route, routeNames(database.name));
      });
    },
    AT_ONCE_MS,
  );
}

/** Writes down that a route is closed; undefined if the database has none, so that there is nothing to close. */
export async function writeClosed(gateway: GatewayProcess, route: Gate, database: DatabaseSpec): Promise<RouteFile | undefined> {
  const file = await readRoute(gateway.shell, gateway.paths.routes, database.id);
  if (file?.open) await route.install([routeContent(gateway.paths.routes, { ...file, open: false })]);
  return file;
}

/** By a child of the route's gate, so that a caller who slept cannot cut clients that came later. */
export async function cutClients(gateway: GatewayProcess, route: Gate, names: readonly string[]): Promise<void> {
  const result = await route.run(await gateway.commandLine(names.map(killCommand)));
  // A route that was written down but never taken by the gateway has no clients.
  const faults = result.stderr.split('\n').filter((line) => line.trim() !== '' && !/no such database/.test(line));
  if (faults.length > 0) throw commandFailure('cutting the clients', { ...result, stderr: faults.join('\n') });
}
