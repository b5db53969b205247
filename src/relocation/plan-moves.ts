import type { Meaning } from '../operations/traits.js';

/** An instance on a host that is to be emptied. */
export interface Occupant {
  readonly databaseId: string;
  readonly customerId: string;
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  /** The exclusive operation that runs on its database, if any. */
  readonly change: Pick<Meaning, 'purpose'> | null;
  /** What that operation waits for while it keeps nothing busy: the transactions before a switchover. */
  readonly waitsFor: string | null;
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
  readonly change: Occupant['change'];
  /** The transactions that its switchover waits for, while nobody is held up; null if it is not waiting. */
  readonly waitsFor: string | null;
  /** Until when it is left alone, because what was asked for has failed; null if nothing has. */
  readonly restsUntil: Date | null;
}

/** What was asked for a database in vain. */
export interface Failures {
  readonly count: number;
  readonly lastAt: Date;
}

const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 5 * 60_000;

/** Until when a database is left alone after moves of it have failed: the rest doubles with each of them. */
export function restUntil({ count, lastAt }: Failures): Date {
  return new Date(lastAt.getTime() + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(count - 1, 20)));
}

/** First what ends an outage, then what prevents one, then what only makes redundant. */
const ORDER = { failover: 0, restore: 1, switchover: 2, relocate: 3 } as const;

/**
 * Which moves to ask for now: of databases that nothing else changes, the most urgent first, and no more at once than
 * given, so that the fleet is not busy with moving alone; what waits for a customer's transactions keeps nothing busy.
 * Failovers are never held back. What has no room waits, and so does a failover that may lose something, until an operator
 * has accepted that.
 */
export function chooseMoves<M extends PossibleMove>(
  moves: readonly M[], { acceptDataLoss, atOnce, now }: { readonly acceptDataLoss: boolean; readonly atOnce: number; readonly now: Date },
): M[] {
  const changing = new Set(moves.filter(isHeldBack).map(({ databaseId }) => databaseId));
  const busy = new Set(moves.filter((move) => isHeldBack(move) && move.waitsFor === null).map(({ databaseId }) => databaseId));
  const rests = ({ by, restsUntil }: M): boolean => by !== 'failover' && restsUntil !== null && restsUntil > now;
  const free = moves.filter((move) => isPossible(move, acceptDataLoss) && !changing.has(move.databaseId) && !rests(move))
    .sort((a, b) => ORDER[a.by] - ORDER[b.by] || Number(a.role === 'standby') - Number(b.role === 'standby')
      || a.databaseId.localeCompare(b.databaseId));
  const chosen = new Map<string, M>();
  for (const move of free) {
    if (chosen.has(move.databaseId)) continue;
    if (move.by === 'failover' || busy.size + chosen.size < atOnce) chosen.set(move.databaseId, move);
  }
  return [...chosen.values()];
}

/** A restore ends what waits in vain for instances that are lost; what may not be ended refuses it. */
const isHeldBack = ({ by, change }: PossibleMove): boolean => change !== null && (by !== 'restore' || change.purpose === 'restore');

/** Whether nothing but room, or an operator's word, is missing. */
export function isPossible({ by, to, mayLose, role }: PossibleMove, acceptDataLoss: boolean): boolean {
  if (by === 'failover') return mayLose === 'nothing' || acceptDataLoss;
  // Where a primary goes that is switched over is seen only once it has become a standby; and one is restored alone, if need be.
  return by === 'switchover' || (by === 'restore' && role === 'standby') || to !== null;
}
