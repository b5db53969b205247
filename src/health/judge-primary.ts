import type { KnownSight } from './judge-look.js';

export interface InstanceSight {
  readonly instanceId: string;
  readonly sight: KnownSight;
  /** Looks in a row that were not answered. */
  readonly misses: number;
}

export interface StandbySight extends InstanceSight {
  /** Whether its WAL receiver streams from the primary, as the standby itself says; undefined if it could not be asked. */
  readonly receiving?: boolean | undefined;
}

export interface PrimarySight {
  readonly primary: InstanceSight;
  readonly standbys: readonly StandbySight[];
  /** The data centres of the region in which this watcher gets no sign of life from instances that it watches. */
  readonly silentDataCenters: ReadonlySet<string>;
  /** Silent looks in a row that make a suspicion. */
  readonly missesToSuspect: number;
}

export type Verdict =
  | { readonly verdict: 'well' }
  /** Something is odd, and not yet or not certainly a loss. */
  | { readonly verdict: 'wait'; readonly reason: string }
  /** The watcher cannot trust what it sees, and does nothing but say so. */
  | { readonly verdict: 'blind'; readonly reason: string }
  /** The primary is dead, and so is everybody who could confirm it or take over. */
  | { readonly verdict: 'alone'; readonly reason: string }
  | { readonly verdict: 'lost'; readonly reason: string };

/**
 * A standby that is only silent may be slow on a busy machine, and is the one that can take over without a loss: it is
 * given up as a successor after so many times the silence that makes a suspicion.
 */
const SILENCES_TO_GIVE_UP = 4;

/** Judges a primary from everything that one watcher sees (`design.md`, 3.3). It asks for a failover, at most. */
export function judgePrimary({ primary, standbys, silentDataCenters, missesToSuspect }: PrimarySight): Verdict {
  if (primary.sight === 'answers') return { verdict: 'well' };
  if (primary.sight === 'unknown') return { verdict: 'wait', reason: 'the watcher is too slow to tell whether it answers' };
  if (primary.sight === 'restarting') return { verdict: 'wait', reason: 'the postmaster is restarting its backends' };
  if (primary.sight === 'silent') {
    if (primary.misses < missesToSuspect) return { verdict: 'wait', reason: `${primary.misses} of ${missesToSuspect} looks missed` };
    if (silentDataCenters.size > 1) {
      return { verdict: 'blind', reason: `no sign of life from ${[...silentDataCenters].sort().join(', ')} at once` };
    }
  }
  return confirm(primary, standbys, missesToSuspect);
}

/** The second witness: a standby whose WAL receiver has lost the primary too. */
function confirm(primary: InstanceSight, standbys: readonly StandbySight[], missesToSuspect: number): Verdict {
  const refused = primary.sight === 'refused';
  if (standbys.some(({ receiving }) => receiving === true)) {
    // A refused connection is certain; the receiver only has not noticed yet.
    return refused
      ? { verdict: 'wait', reason: 'the standby has not noticed the loss yet' }
      : { verdict: 'blind', reason: 'a standby still streams from the primary that this watcher cannot see' };
  }
  if (standbys.some(({ receiving }) => receiving === false)) {
    return { verdict: 'lost', reason: refused ? 'the postmaster is dead' : `${primary.misses} looks missed` };
  }
  // Nobody is there to be promoted: the primary is waited for by nobody but its clients (protocol rule 13).
  const isGone = ({ sight, misses }: StandbySight): boolean =>
    sight === 'refused' || (sight === 'silent' && misses >= SILENCES_TO_GIVE_UP * missesToSuspect);
  if (refused && standbys.every(isGone)) return { verdict: 'alone', reason: 'no instance of the database runs' };
  return { verdict: 'wait', reason: 'no standby answers that could confirm the loss' };
}
