import type { RefusalCount } from '../../ports.js';
import type { PortRefusals } from './router/router-client.js';

/** Adds up what a router counts by port, for each database that ports belong to. */
export function countRefusals(ports: readonly PortRefusals[], databaseOf: ReadonlyMap<number, string>): RefusalCount[] {
  const sums = new Map<string, RefusalCount>();
  for (const { port, counts } of ports) {
    const databaseId = databaseOf.get(port) ?? null;
    for (const [reason, count] of Object.entries(counts)) {
      const key = `${databaseId ?? ''} ${reason}`;
      sums.set(key, { databaseId, reason, count: (sums.get(key)?.count ?? 0) + count });
    }
  }
  return [...sums.values()];
}
