import type { InstanceObservation, InstancesPort } from '../engine/ports.js';
import type { DatabaseSight, SeenInstance } from './database-sight.js';
import type { DatabaseRecord } from './database-records.js';

/** The time-out of a look; an instance that hangs uses all of it. */
const LOOK_MS = 1_500;
/** Requests within this time share one look. */
const KEPT_MS = 1_000;

const SEEN: Readonly<Record<InstanceObservation['process'], SeenInstance>> = {
  running: 'answers', starting: 'restarting', stopped: 'refused', hung: 'silent',
};

/** Looks at databases that no watcher looks at, for those who ask how one is: a worker may have died together with what it watched. */
export class OwnLooks {
  private readonly looks = new Map<string, Promise<DatabaseSight>>();

  constructor(private readonly instances: InstancesPort, private readonly read: (databaseId: string) => Promise<DatabaseRecord>) {}

  look(databaseId: string): Promise<DatabaseSight> {
    const known = this.looks.get(databaseId);
    if (known) return known;
    const look = this.lookAt(databaseId);
    this.looks.set(databaseId, look);
    setTimeout(() => this.looks.delete(databaseId), KEPT_MS).unref();
    return look;
  }

  private async lookAt(databaseId: string): Promise<DatabaseSight> {
    const { members, epoch, inSync } = await this.read(databaseId);
    const signal = AbortSignal.timeout(LOOK_MS);
    const seen = await Promise.all(members.filter(({ port }) => port !== null).map(async ({ ref, role, state }) => {
      // An instance that hangs looks like a slow one: after the time-out its state is unknown.
      const observation = await this.instances.observe(ref, signal).catch(() => undefined);
      return { id: ref.id, role, state, observation };
    }));
    const standbys = seen.find(({ role }) => role === 'primary')?.observation?.standbys;
    return {
      epoch, inSync,
      instances: Object.fromEntries(seen.map(({ id, state, observation }) =>
        [id, { state, seen: observation ? SEEN[observation.process] : 'unknown' }])),
      streaming: standbys?.filter(({ state }) => state === 'streaming').map(({ instanceId }) => instanceId) ?? null,
    };
  }
}
