import { chooseHosts, chooseStandbyHost, type HostLoad } from '../fleet/choose-hosts.js';
import type { Move } from './plan-moves.js';

/** A move, and the host that the instance would go to; null if no host has room. */
export interface PlacedMove extends Move {
  readonly to: string | null;
}

/** A database that something moves of. */
export interface Household {
  readonly regionId: string;
  readonly memoryMb: number;
  /** Its instances, standbys in sync before the others. */
  readonly members: readonly { readonly instanceId: string; readonly hostId: string; readonly role: 'primary' | 'standby' }[];
}

/**
 * Says where each instance would go, by the function that places it when it moves, one after the other: what a move
 * takes up is not there for the next.
 *
 * @param hosts those of each region; the ones that are to be emptied count as draining
 */
export function placeMoves(
  moves: readonly Move[], households: ReadonlyMap<string, Household>, hosts: ReadonlyMap<string, readonly HostLoad[]>,
): PlacedMove[] {
  const leaving = new Set(moves.map(({ hostId }) => hostId));
  const loads = new Map([...hosts].map(([region, ofRegion]) =>
    [region, ofRegion.map((host) => (leaving.has(host.id) ? { ...host, state: 'draining' as const } : host))]));
  const present = new Map(households);
  return moves.map((move) => {
    const household = present.get(move.databaseId);
    const ofRegion = household && loads.get(household.regionId);
    if (!ofRegion) return { ...move, to: null };
    const after = promoteNext(household, move);
    const room = ofRegion.filter(({ id }) => id !== move.hostId);
    const staying = after.filter(({ instanceId }) => instanceId !== move.instanceId)
      .flatMap(({ hostId }) => ofRegion.find(({ id }) => id === hostId) ?? []);
    const [primary, ...others] = staying;
    const isRestored = move.by === 'restore' && move.role === 'primary';
    const chosen = isRestored
      ? chooseHosts(room, household.memoryMb, 0)?.primary
      : primary && chooseStandbyHost(room, household.memoryMb, [primary, ...others]);
    if (!chosen) return { ...move, to: null };
    loads.set(
      household.regionId,
      ofRegion.map((host) => (host.id === chosen.id ? { ...host, promisedMb: host.promisedMb + household.memoryMb } : host)),
    );
    present.set(move.databaseId, {
      ...household, members: after.map((member) => (member.instanceId === move.instanceId ? { ...member, hostId: chosen.id } : member)),
    });
    return { ...move, to: chosen.id };
  });
}

/** The members as they are when the instance leaves, the primary first: one that is the primary has become a standby by then. */
function promoteNext({ members }: Household, { instanceId, role, by }: Move): Household['members'] {
  const heir = role === 'primary' && by !== 'restore' ? members.find((member) => member.role === 'standby')?.instanceId : undefined;
  const after = members.map((member) => {
    if (heir === undefined) return member;
    if (member.instanceId === heir) return { ...member, role: 'primary' as const };
    return member.instanceId === instanceId ? { ...member, role: 'standby' as const } : member;
  });
  return [...after].sort((a, b) => Number(a.role === 'standby') - Number(b.role === 'standby'));
}
