import type { InstanceRole, InstanceState } from './instance.entity.js';

/**
 * How an instance looked to its database's watcher. `unknown`: it was not looked at, or the watcher cannot trust what it
 * sees; then the recorded state counts.
 */
export type SeenInstance = 'answers' | 'restarting' | 'refused' | 'silent' | 'unknown';

/**
 * A database as its watcher saw it, and what was recorded of it before the look: what has been recorded since is newer. A
 * look from before the end of a switchover says nothing of who streams from the new primary.
 */
export interface DatabaseSight {
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly instances: Readonly<Record<string, { readonly state: string; readonly seen: SeenInstance }>>;
  /** The standbys that the primary saw streaming; null if it could not be asked. */
  readonly streaming: readonly string[] | null;
}

export interface SeenMember {
  readonly id: string;
  readonly role: InstanceRole;
  readonly state: InstanceState;
}

export interface Redundancy {
  /** R of protocol rule 3. A sight never changes the record, only what people are shown. */
  readonly recorded: readonly string[];
  /** Those of the recorded standbys that run and, as far as is known, stream. */
  readonly seen: readonly string[];
}

/** How long commits may wait before the database is called unavailable: longer than it takes to let them go on without a standby. */
const COMMITS_WAIT_S = 6;

/** The state of an instance that people are shown: recorded as running, it counts as lost while it does not answer. */
export function seeState({ id, state }: SeenMember, sight: DatabaseSight | null): InstanceState {
  const known = sight?.instances[id];
  if (state !== 'running' || known?.state !== state) return state;
  switch (known.seen) {
    case 'refused':
    case 'silent':
      return 'lost';
    case 'restarting':
      return 'starting';
    default:
      return state;
  }
}

/** Which of the standbys that are recorded in sync still have everything that is acknowledged from now on. */
export function seeRedundancy(
  recorded: readonly string[], epoch: number, members: readonly SeenMember[], sight: DatabaseSight | null,
): Redundancy {
  const seen = recorded.filter((id) => {
    const member = members.find((one) => one.id === id);
    if (member === undefined || seeState(member, sight) !== 'running') return false;
    // A standby that was recorded in sync after the look streams, or it would not have been.
    const isNewer = sight?.epoch !== epoch || !sight.inSync.includes(id);
    return isNewer || (sight.streaming?.includes(id) ?? true);
  });
  return { recorded, seen };
}

/** Whether commits wait because no standby in sync streams, and have waited for longer than usual. */
export const commitsWait = ({ recorded, seen }: Redundancy, sinceSeconds: number): boolean =>
  recorded.length > 0 && seen.length === 0 && sinceSeconds >= COMMITS_WAIT_S;
