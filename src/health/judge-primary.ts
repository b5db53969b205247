/**
 * What the last probe of an instance showed.
 *
 * - `answers`: it answered a query;
 * - `restarting`: it refuses with SQLSTATE 57P03: its postmaster is alive and restarts the backends by itself;
 * - `refused`: its host answers and nobody listens: the postmaster is dead;
 * - `silent`: nothing came back in time: a stopped process, a stuck disk, a lost host, or a watcher that is cut off.
 */
export type Probe = 'answers' | 'restarting' | 'refused' | 'silent';

export interface InstanceSight {
  readonly instanceId: string;
  readonly dataCenterId: string;
  readonly probe: Probe;
  /** Probes in a row that were not answered. */
  readonly misses: number;
}

export interface StandbySight extends InstanceSight {
  /** Whether its WAL receiver streams from the primary, as the standby itself says; undefined if it could not be asked. */
  readonly receiving?: boolean;
}

export interface PrimarySight {
  readonly primary: InstanceSight;
  readonly standbys: readonly StandbySight[];
  /** The data centres of the region in which this watcher gets no sign of life from instances that it watches. */
  readonly silentDataCenters: ReadonlySet<string>;
  /** Silent probes in a row that make a suspicion. */
  readonly missesToSuspect: number;
}

export type Verdict =
  | { readonly verdict: 'well' }
  /** Something is odd, and not yet or not certainly a loss. */
  | { readonly verdict: 'wait'; readonly reason: string }
  /** The watcher cannot trust what it sees, and does nothing but say so. */
  | { readonly verdict: 'blind'; readonly reason: string }
  | { readonly verdict: 'lost'; readonly reason: string };

/** Judges a primary from everything that one watcher sees (`design.md`, 3.3). It asks for a failover, at most. */
export function judgePrimary({ primary, standbys, silentDataCenters, missesToSuspect }: PrimarySight): Verdict {
  if (primary.probe === 'answers') return { verdict: 'well' };
  if (primary.probe === 'restarting') return { verdict: 'wait', reason: 'the postmaster is restarting its backends' };
  if (primary.probe === 'silent') {
    if (primary.misses < missesToSuspect) return { verdict: 'wait', reason: `${primary.misses} of ${missesToSuspect} probes missed` };
    if (silentDataCenters.size > 1) {
      return { verdict: 'blind', reason: `no sign of life from ${[...silentDataCenters].sort().join(', ')} at once` };
    }
  }
  if (standbys.some((standby) => standby.receiving === true)) {
    const reason = 'a standby still streams from the primary that this watcher cannot see';
    // A refused connection is certain; the receiver only has not noticed yet.
    return primary.probe === 'refused' ? { verdict: 'wait', reason: 'the standby has not noticed the loss yet' } : { verdict: 'blind', reason };
  }
  if (!standbys.some((standby) => standby.receiving === false)) {
    return { verdict: 'wait', reason: 'no standby answers that could confirm the loss' };
  }
  return { verdict: 'lost', reason: primary.probe === 'refused' ? 'the postmaster is dead' : `${primary.misses} probes missed` };
}
