import type { EndpointRefusal, RefusalCount } from '../../ports.js';
import type { LoggedStrangers } from './pooler/pooler-log.js';
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

/** Adds those that a database's pooler refused for where they come from, of which its log alone tells. */
export function addStrangers(routed: readonly EndpointRefusal[], strangers: LoggedStrangers | undefined): EndpointRefusal[] {
  if (!strangers) return [...routed];
  const known = routed.find(({ reason }) => reason === 'allow-list');
  const last = [known?.last, strangers.last].flatMap((each) => each ?? []).sort((one, other) => other.at.localeCompare(one.at))[0] ?? null;
  return [
    ...routed.filter((refusal) => refusal !== known),
    { reason: 'allow-list', count: (known?.count ?? 0) + strangers.count, last },
  ];
}
