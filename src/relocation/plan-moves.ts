/** An instance on a host that is to be emptied. */
export interface Occupant {
  readonly databaseId: string;
  readonly customerId: string;
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  /** The kind of the exclusive operation that runs on its database, if any. */
  readonly change: string | null;
  /** Whether a standby that is in sync could take over. */
  readonly inSync: boolean;
}

export interface Move {
  readonly databaseId: string;
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  /** A primary moves by a switchover, and then as the standby that it has become; on a lost host by a failover. */
  readonly by: 'switchover' | 'failover' | 'relocate';
}

/** What has to happen until the hosts are empty. */
export function planMoves(occupants: readonly Occupant[], hostsLost: boolean): Move[] {
  return occupants.map(({ databaseId, instanceId, hostId, role }) => ({
    databaseId, instanceId, hostId, role, by: role === 'standby' ? 'relocate' : hostsLost ? 'failover' : 'switchover',
  }));
}

/**
 * Which moves to ask for now: of databases that nothing else changes, primaries first, and no more at once than given,
 * so that the fleet is not busy with moving alone. Failovers are never held back.
 */
export function chooseMoves(occupants: readonly Occupant[], hostsLost: boolean, atOnce: number): Move[] {
  const moving = new Set(occupants.filter(({ change }) => change !== null).map(({ databaseId }) => databaseId));
  const free = planMoves(occupants.filter(({ databaseId }) => !moving.has(databaseId)), hostsLost)
    .sort((a, b) => Number(a.role === 'standby') - Number(b.role === 'standby') || a.databaseId.localeCompare(b.databaseId));
  const chosen: Move[] = [];
  for (const move of free) {
    if (chosen.some(({ databaseId }) => databaseId === move.databaseId)) continue;
    if (move.by === 'failover' || moving.size + chosen.length < atOnce) chosen.push(move);
  }
  return chosen;
}
