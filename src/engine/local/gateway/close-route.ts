import type { DatabaseSpec } from '../../ports.js';
import type { GateSubject } from '../host-shell/gate.js';
import { AT_ONCE_MS } from '../host-shell/host-shell.js';
import type { LocalFleet } from '../local-fleet.js';
import { withConsole } from './admin-console.js';
import type { GatewayProcess } from './gateway-process.js';
import { cutClients, writeClosed } from './hold-route.js';

/**
 * Cuts the clients of a database's routes; new ones wait until the routes are opened again (`protocol.md`, rule 5).
 *
 * That they are closed is written down first: a gateway that dies before it is told finds it when it starts.
 */
export async function closeRoute(fleet: LocalFleet, gateway: GatewayProcess, subject: GateSubject, database: DatabaseSpec, signal: AbortSignal): Promise<void> {
  await gateway.shell.fenced(
    subject,
    signal,
    async (route) => {
      const file = await writeClosed(gateway, route, database);
      if (!file) return;
      const cut = async (): Promise<void> => {
        await withConsole(await gateway.console(), signal, (console) => cutClients({ fleet, gateway, database, file, route, console, signal }));
      };
      if (await gateway.find()) return cut();
      // One that is just being started may not know yet; whoever starts it holds the lock until it does.
      await gateway.locked(signal, async () => {
        if (await gateway.find()) await cut();
      });
    },
    AT_ONCE_MS,
  );
}
