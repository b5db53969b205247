import type { DatabaseSpec, Effect } from '../../ports.js';
import type { GateSubject } from '../machine/gate.js';
import { AT_ONCE_MS } from '../machine/host-shell.js';
import { writeHeld } from './hold-route.js';
import type { RegionGateway } from './region-gateway.js';

/**
 * Cuts the clients of a database's routes; new ones wait until the routes are opened again (`protocol.md`, rule 5). A pooled
 * client without a transaction is not cut: it waits for its next server.
 */
export async function closeRoute(gateway: RegionGateway, subject: GateSubject, database: DatabaseSpec, effect: Effect): Promise<void> {
  const { signal } = effect;
  await gateway.shell.fenced(
    subject,
    signal,
    async (gate) => {
      const file = await writeHeld(gateway, gate, database, effect);
      if (!file) return;
      await Promise.all([holdAndCut(gateway, file, signal), gateway.poolerOf(file).cut(gate, signal)]);
    },
    AT_ONCE_MS,
  );
}

async function holdAndCut(gateway: RegionGateway, file: Parameters<RegionGateway['tell']>[0], signal: AbortSignal): Promise<void> {
  await gateway.tell(file, signal);
  await gateway.router.cut(gateway.routerPorts(file), signal);
}
