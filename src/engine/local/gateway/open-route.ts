import { EVERYWHERE } from '../../allow-list.js';
import type { Effect, Route } from '../../ports.js';
import type { GateSubject } from '../machine/gate.js';
import { AT_ONCE_MS } from '../machine/host-shell.js';
import type { RegionGateway } from './region-gateway.js';
import { routeContent, type RouteFile } from './route-file.js';

/**
 * Opens a database's routes, or moves them, and lets in who waits (`protocol.md`, rule 5).
 *
 * Where they lead is written down first: a gateway that dies before it is told finds it when it starts.
 */
export async function openRoute(gateway: RegionGateway, subject: GateSubject, route: Route, effect: Effect): Promise<void> {
  const file = toRouteFile(route, effect.token);
  await gateway.refuseClash(file);
  await gateway.shell.fenced(
    subject,
    effect.signal,
    async (gate) => {
      await gate.install([routeContent(gateway.paths.routes, file)]);
      await Promise.all([gateway.tell(file, effect.signal), gateway.poolerOf(file).open(gate, file.target, effect.signal)]);
    },
    AT_ONCE_MS,
  );
}

function toRouteFile({ database, target, readers = [] }: Route, token: bigint): RouteFile {
  return {
    databaseId: database.id,
    account: database.account,
    slot: database.endpointSlot,
    token: token.toString(),
    ownerVerifier: database.ownerVerifier,
    target,
    readers: [...readers],
    maxConnections: database.size.maxConnections,
    allowList: [...(database.allowList ?? EVERYWHERE)],
    open: true,
  };
}
