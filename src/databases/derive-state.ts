import type { Meaning } from '../operations/traits.js';
import type { InstanceState } from './instance.entity.js';

export const DATABASE_STATES = [
  'provisioning', 'available', 'degraded', 'failing-over', 'unavailable', 'restoring', 'deleting', 'deleted', 'failed',
] as const;
export type DatabaseState = (typeof DATABASE_STATES)[number];

export interface DatabaseFacts {
  readonly deleted: boolean;
  readonly provisioned: boolean;
  /** The exclusive operation that runs, if any. */
  readonly change: Pick<Meaning, 'shows' | 'hasBegun' | 'reprotects'> | null;
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
  const shown = stateDuring(facts.change);
  if (shown) return shown;
  if (!facts.provisioned) return 'failed';
  if (facts.primary !== 'running' || facts.commitsWait) return 'unavailable';
  return facts.inSync >= facts.standbys ? 'available' : 'degraded';
}

/**
 * The state that the operation gives its database, whatever else is true of it: from when it begins until the database is
 * writable again.
 */
function stateDuring(change: DatabaseFacts['change']): DatabaseState | undefined {
  if (!change?.hasBegun || change.reprotects) return undefined;
  return DATABASE_STATES.find((state) => state === change.shows);
}
