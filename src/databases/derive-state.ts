import type { InstanceState } from './instance.entity.js';

export const DATABASE_STATES = [
  'provisioning', 'available', 'degraded', 'failing-over', 'unavailable', 'restoring', 'deleting', 'deleted', 'failed',
] as const;
export type DatabaseState = (typeof DATABASE_STATES)[number];

/** The states that a running exclusive operation gives its database, whatever else is true of it. */
const STATE_DURING: Readonly<Record<string, DatabaseState>> = {
  provision: 'provisioning',
  delete: 'deleting',
  failover: 'failing-over',
  switchover: 'failing-over',
  restore: 'restoring',
  'restore-in-place': 'restoring',
  // Asked for only where the primary is down, and at its end once the endpoint leads to it again.
  recover: 'unavailable',
};

/** Steps of a failover or switchover at which the outage is over. */
export const AFTER_ROUTE: ReadonlySet<string> = new Set(['protect', 'rebuild', 'synchronize', 'widen', 'finish']);

/** Steps of a switchover before it pauses anybody: it has done nothing yet, and may wait there for long until transactions end. */
export const BEFORE_PAUSE: ReadonlySet<string> = new Set(['quiet', 'elect', 'checkpoint']);

export interface DatabaseFacts {
  readonly deleted: boolean;
  readonly provisioned: boolean;
  /** The kind of the exclusive operation that runs, if any, and the step it is at. */
  readonly change: string | null;
  readonly changeStep: string | null;
  /** As it was seen, not only as it is recorded. */
  readonly primary: InstanceState | null;
  /** Standbys that are recorded in sync and seen to be. */
  readonly inSync: number;
  /** Whether commits have waited for a standby for longer than is usual: clients cannot write. */
  readonly commitsWait: boolean;
  /** The standbys that the plan has. */
  readonly standbys: number;
}

/** The state that people see. It is derived, never stored, so that it cannot contradict what it is derived from. */
export function deriveState(facts: DatabaseFacts): DatabaseState {
  if (facts.deleted) return 'deleted';
  const during = facts.change === null ? undefined : STATE_DURING[facts.change];
  // From the moment at which the endpoint has moved the database is writable again, and only not redundant yet.
  const writableAgain = during === 'failing-over' && facts.changeStep !== null && AFTER_ROUTE.has(facts.changeStep);
  const notPausedYet = facts.change === 'switchover' && facts.changeStep !== null && BEFORE_PAUSE.has(facts.changeStep);
  if (during && !writableAgain && !notPausedYet) return during;
  if (!facts.provisioned) return 'failed';
  if (facts.primary !== 'running' || facts.commitsWait) return 'unavailable';
  return facts.inSync >= facts.standbys ? 'available' : 'degraded';
}
