import { primaryOf, standbysOf, type DatabaseRecord } from '../../src/databases/database-records.js';
import type { Sight } from '../../src/engine/ports.js';
import { type Care, decideCare } from '../../src/health/decide-care.js';
import { judgePrimary } from '../../src/health/judge-primary.js';
import type { Meaning } from '../../src/operations/traits.js';
import type { Instance } from './engine/postgres.js';
import { standbysSeen } from './engine/simulated-instances.js';
import type { Owner, Scheduler } from './scheduler.js';

const LOOK_MS = 500;
const ASK_AGAIN_MS = 1_000;
const MISSES_TO_SUSPECT = 3;

export interface WatcherParts {
  readonly scheduler: Scheduler;
  readonly instances: readonly Instance[];
  readonly read: () => { readonly record: DatabaseRecord; readonly change: Meaning | null };
  readonly ask: (owner: Owner, care: Exclude<Care, { ask: 'nothing' }>) => void;
  /** False leaves rule 13 out. */
  readonly recovers: boolean;
}

/** Looks at the instances at fixed times, judges with the real functions, and asks by what it read a moment ago. */
export class Watcher implements Owner {
  stalledUntil = 0;
  dead = false;
  private readonly misses = new Map<string, number>();
  private unfollowedSince: number | undefined;
  private askedAt = -ASK_AGAIN_MS;
  private known: ReturnType<WatcherParts['read']>;

  constructor(readonly name: string, private readonly parts: WatcherParts) {
    this.known = parts.read();
  }

  start(): void {
    this.parts.scheduler.schedule(LOOK_MS, '', () => {
      this.look();
      this.known = this.parts.read();
      this.start();
    }, this);
  }

  private look(): void {
    const { scheduler, instances } = this.parts;
    const { record, change } = this.known;
    const primaryId = primaryOf(record).ref.id;
    const primary = instances.find(({ id }) => id === primaryId);
    const standbys = standbysOf(record);
    if (!primary) return;
    const sights = new Map(instances.map((instance) => [instance.id, this.see(instance)]));
    const verdict = judgePrimary({
      primary: sights.get(primaryId)!, missesToSuspect: MISSES_TO_SUSPECT,
      standbys: standbys.map(({ ref }) => ({ ...sights.get(ref.id)!, receiving: this.receiving(ref.id) })),
      silentDataCenters: new Set([...sights.values()].filter(({ misses }) => misses >= MISSES_TO_SUSPECT).map(({ instanceId }) => instanceId)),
    });
    const expected = standbys.filter(({ state }) => state !== 'lost').map(({ ref }) => ref.id);
    const answers = sights.get(primaryId)?.sight === 'answers' && primary.process?.role === 'primary';
    const streaming = answers && primary.process ? standbysSeen(primary.process).map(({ instanceId }) => instanceId) : undefined;
    const follows = streaming !== undefined && expected.every((id) => streaming.includes(id));
    this.unfollowedSince = follows ? undefined : this.unfollowedSince ?? scheduler.now;
    const unfollowedMs = this.unfollowedSince === undefined ? 0 : scheduler.now - this.unfollowedSince;
    const care = decideCare({
      verdict, change, automationPaused: false, inSync: record.inSync, expected, streaming, slotless: [], unfollowedMs,
    });
    this.act(care);
  }

  private act(care: Care): void {
    const { scheduler, ask, recovers } = this.parts;
    if (care.ask === 'nothing' || scheduler.now - this.askedAt < ASK_AGAIN_MS) return;
    if (care.ask === 'recover' && !recovers) return;
    this.askedAt = scheduler.now;
    ask(this, care);
  }

  private see(instance: Instance): { instanceId: string; sight: Sight; misses: number } {
    const silent = !instance.reachable || instance.process?.hung === true;
    const misses = silent ? (this.misses.get(instance.id) ?? 0) + 1 : 0;
    this.misses.set(instance.id, misses);
    return { instanceId: instance.id, sight: silent ? 'silent' : instance.process ? 'answers' : 'refused', misses };
  }

  private receiving(id: string): boolean | undefined {
    const instance = this.parts.instances.find((candidate) => candidate.id === id);
    const { process, reachable } = instance ?? {};
    return reachable && process && !process.hung && process.role === 'standby' ? process.receiving : undefined;
  }
}
