import { admits, EVERYWHERE } from '../../allow-list.js';
import type { DatabaseSpec, Effect, RestrictedRoute } from '../../ports.js';
import type { GateSubject } from '../machine/gate.js';
import { AT_ONCE_MS } from '../machine/host-shell.js';
import type { RegionGateway } from './region-gateway.js';
import { routeContent } from './route-file.js';

/**
 * Gives a route the allow-list of its database, open or held as it is, and cuts the clients that may not be in any more.
 *
 * The list is written down first: a router or a pooler that dies before it is told finds it when it starts. Clients are looked for
 * only once both refuse new ones, so that none comes in behind the look.
 */
export async function restrictRoute(
  gateway: RegionGateway, subject: GateSubject, database: DatabaseSpec, { token, signal }: Effect,
): Promise<RestrictedRoute> {
  return gateway.shell.fenced(subject, signal, async (gate) => {
    const known = await gateway.readRoute(database.id);
    if (!known) return { cut: 0 };
    const file = { ...known, token: token.toString(), allowList: [...(database.allowList ?? EVERYWHERE)] };
    await gate.install([routeContent(gateway.paths.routes, file)]);
    const networks = gateway.networksOf(file);
    const isStranger = (source: string): boolean => networks !== null && !admits(networks, source);
    const cutSessions = async (): Promise<number> => {
      await gateway.tell(file, signal);
      return networks === null ? 0 : gateway.router.cutSources(gateway.routerPorts(file), isStranger, signal);
    };
    const [sessions, pooled] = await Promise.all([
      cutSessions(), gateway.poolerOf(file).restrict(gate, file.open ? file.target : undefined, isStranger, signal),
    ]);
    return { cut: sessions + pooled };
  }, AT_ONCE_MS);
}
