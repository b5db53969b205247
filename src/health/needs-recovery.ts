import type { InstanceObservation } from '../engine/ports.js';

/** An instance as it was found when a worker began. */
export interface FoundMember {
  readonly id: string;
  readonly role: 'primary' | 'standby';
  readonly found: Pick<InstanceObservation, 'process' | 'marked'>;
}

/**
 * Whether a database has to be started where it is: its primary is certainly down, and so are all the standbys that are
 * recorded in sync (protocol rule 13). What is slow, starts or hangs is not known to be down: its watcher sees what becomes
 * of it. One standby that answers can take over, and a primary that runs serves its clients while its standby comes back.
 */
export function needsRecovery(members: readonly FoundMember[], inSync: readonly string[]): boolean {
  const primary = members.find(({ role }) => role === 'primary')?.found;
  if (primary?.process !== 'stopped' || primary.marked) return false;
  return members.every(({ id, found }) => !inSync.includes(id) || found.process === 'stopped');
}
