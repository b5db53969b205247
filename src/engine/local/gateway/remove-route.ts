import { EVERYWHERE } from '../../allow-list.js';
import type { DatabaseSpec, Effect } from '../../ports.js';
import { quote } from '../machine/gate-script.js';
import type { GateSubject } from '../machine/gate.js';
import { AT_ONCE_MS } from '../machine/host-shell.js';
import type { RegionGateway } from './region-gateway.js';
import { routePath } from './route-file.js';

/** Takes a database's routes away and cuts their clients; what stays is the record of the highest token. */
export async function removeRoute(
  gateway: RegionGateway,
  subject: GateSubject,
  database: DatabaseSpec,
  { token, signal }: Effect,
): Promise<void> {
  const { shell, paths, router } = gateway;
  await shell.fenced(
    subject,
    signal,
    async (gate) => {
      const path = routePath(paths.routes, database.id);
      const file = await gateway.readRoute(database.id);
      await gate.must(`rm -f -- ${quote(path)} && sync ${quote(subject.directory)}`, 'removing the route');
      const ports = gateway.routerPorts({ slot: database.endpointSlot });
      // Without a router there is nobody to cut, and nothing to start for.
      if (await router.find()) {
        await router.remove(ports, database.id, token, signal);
        if (file) await router.cut(ports, signal);
      }
      const {
        id: databaseId,
        account,
        endpointSlot: slot,
        size: { maxConnections },
      } = database;
      await gateway.poolerOf({ databaseId, account, slot, maxConnections, allowList: [...EVERYWHERE] }).remove(gate, signal);
      gateway.forgetPooler(databaseId);
    },
    AT_ONCE_MS,
  );
}
