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
  /** Whether the database's primary is on one of the hosts that are to be emptied. */
  readonly primaryLeaves: boolean;
  /** Instances of the database that run on other hosts; and of those the standbys that are recorded in sync. */
  readonly survivors: number;
  readonly survivorsInSync: number;
}

export interface Move {
  readonly databaseId: string;
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  /**
   * A primary moves by a switchover, and then as the standby that it has become; on a lost host by a failover, or, where
   * nothing of the database is left elsewhere, by a restore from a backup site.
   */
  readonly by: 'switchover' | 'failover' | 'restore' | 'relocate';
  /** What may be lost by it: nothing, what the standby had not received, or what was not archived yet. */
  readonly mayLose: 'nothing' | 'not-received' | 'not-archived';
}

/** What has to happen until the hosts are empty. */
export function planMoves(occupants: readonly Occupant[], hostsLost: boolean): Move[] {
  return occupants.map((occupant) => {
    const { databaseId, instanceId, hostId, role } = occupant;
    return { databaseId, instanceId, hostId, role, ...chooseWay(occupant, hostsLost) };
  });
}

function chooseWay({ role, primaryLeaves, survivors, survivorsInSync }: Occupant, hostsLost: boolean): Pick<Move, 'by' | 'mayLose'> {
  if (hostsLost && primaryLeaves && survivors === 0) return { by: 'restore', mayLose: 'not-archived' };
  if (role === 'standby') return { by: 'relocate', mayLose: 'nothing' };
  if (!hostsLost) return { by: 'switchover', mayLose: 'nothing' };
  return { by: 'failover', mayLose: survivorsInSync > 0 ? 'nothing' : 'not-received' };
}

/** A move as it stands: whether it can be made, and what is in its way. */
export interface PossibleMove extends Move {
  /** Where the instance would go; null without room. */
  readonly to: string | null;
  readonly change: string | null;
}

/** First what ends an outage, then what prevents one, then what only makes redundant. */
const ORDER = { failover: 0, restore: 1, switchover: 2, relocate: 3 } as const;

/**
 * Which moves to ask for now: of databases that nothing else changes, the most urgent first, and no more at once than
 * given, so that the fleet is not busy with moving alone. Failovers are never held back. What has no room waits, and so
 * does a failover that may lose something, until an operator has accepted that.
 */
export function chooseMoves<M extends PossibleMove>(moves: readonly M[], { acceptDataLoss, atOnce }: { readonly acceptDataLoss: boolean; readonly atOnce: number }): M[] {
  const busy = new Set(moves.filter(isHeldBack).map(({ databaseId }) => databaseId));
  const free = moves.filter((move) => isPossible(move, acceptDataLoss) && !busy.has(move.databaseId))
    .sort((a, b) => ORDER[a.by] - ORDER[b.by] || Number(a.role === 'standby') - Number(b.role === 'standby') || a.databaseId.localeCompare(b.databaseId));
  const chosen = new Map<string, M>();
  for (const move of free) {
    if (chosen.has(move.databaseId)) continue;
    if (move.by === 'failover' || busy.size + chosen.size < atOnce) chosen.set(move.databaseId, move);
  }
  return [...chosen.values()];
}

/** A restore ends what waits in vain for instances that are lost; what may not be ended refuses it. */
const isHeldBack = ({ by, change }: PossibleMove): boolean => change !== null && (by !== 'restore' || change === 'restore-in-place');

/** Whether nothing but room, or an operator's word, is missing. */
export function isPossible({ by, to, mayLose, role }: PossibleMove, acceptDataLoss: boolean): boolean {
  if (by === 'failover') return mayLose === 'nothing' || acceptDataLoss;
  // Where a primary goes that is switched over is seen only once it has become a standby; and one is restored alone, if need be.
  return by === 'switchover' || (by === 'restore' && role === 'standby') || to !== null;
}
