import type { InstanceRole, InstanceState } from './instance.entity.js';

/**
 * How an instance looked to its database's watcher. `unknown`: it was not looked at, or the watcher cannot trust what it
 * sees; then what is recorded is the best that anybody knows.
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
  /** R of protocol rule 3: it is never changed by what is seen, only what people are told is. */
  readonly recorded: readonly string[];
  /** Those of them that are there. */
  readonly seen: readonly string[];
}

/** How long commits may wait before the database is called unavailable: longer than it takes to let them go on without a standby. */
const COMMITS_WAIT_S = 6;

/** What is true of an instance: a process that is recorded as running and does not answer is lost, for as long as it does not. */
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
export function seeRedundancy(recorded: readonly string[], epoch: number, members: readonly SeenMember[], sight: DatabaseSight | null): Redundancy {
  const seen = recorded.filter((id) => {
    const member = members.find((one) => one.id === id);
    if (member === undefined || seeState(member, sight) !== 'running') return false;
    // One is recorded in sync only once it streams.
    const isNewer = sight?.epoch !== epoch || !sight.inSync.includes(id);
    return isNewer || (sight.streaming?.includes(id) ?? true);
  });
  return { recorded, seen };
}

/** Whether clients' commits wait for standbys of which none is there, and have for longer than is usual. */
export const commitsWait = ({ recorded, seen }: Redundancy, sinceSeconds: number): boolean =>
  recorded.length > 0 && seen.length === 0 && sinceSeconds >= COMMITS_WAIT_S;
