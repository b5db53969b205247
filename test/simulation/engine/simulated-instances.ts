import { EngineError } from '../../../src/engine/errors.js';
import type { Effect, InstanceObservation, InstanceRef, InstancesPort, InstanceWatch, KeptCopy, Lsn, OpenTransaction, StandbyObservation, StorageMeasure } from '../../../src/engine/ports.js';
import type { Owner } from '../scheduler.js';
import { type DataPlane, Effects, type Onward, stepOf } from './effects.js';
import { type DataDirectory, type Instance, isPrefix, type Postmaster } from './postgres.js';

/** A record of WAL takes a page of it. */
const RECORD_BYTES = 0x100;
export const lsnOf = (records: number): Lsn => `0/${(records * RECORD_BYTES).toString(16).toUpperCase()}`;
export const recordsOf = (lsn: Lsn): number => parseInt(lsn.split('/')[1] ?? '0', 16) / RECORD_BYTES;

/** How long a clean shutdown may take. */
const STOP_LIMIT_MS = 3_000;

export interface InstanceEvents {
  /** Something of an instance's WAL is about to be thrown away, or was moved aside. */
  onRewritten(instance: Instance): void;
  onPromoted(instance: Instance, token: bigint): void;
  nextRecord(): number;
}

/** Instances that keep the contract of the port and obey PostgreSQL's rules, as one worker reaches them. */
export class SimulatedInstances implements InstancesPort {
  private readonly effects: Effects;

  constructor(private readonly plane: DataPlane, private readonly events: InstanceEvents, owner: Owner) {
    this.effects = new Effects(plane, owner);
  }

  async observe(ref: InstanceRef): Promise<InstanceObservation> {
    await this.effects.pause('observe', ref.id);
    const { role, ...seen } = see(this.at(ref));
    await this.effects.pause('observed', ref.id);
    // Who only looks is told the role by the server itself, or not at all.
    return seen.process === 'running' && role ? { ...seen, role } : seen;
  }

  async setSynchronousStandbys(ref: InstanceRef, ids: readonly string[], effect: Effect): Promise<{ lsn: Lsn }> {
    const instance = this.at(ref);
    const process = await this.act('set-names', ref, effect, async () => {
      const server = running(instance);
      this.dataOf(instance).names = [...ids];
      this.plane.scheduler.note('', `${ref.id}: names are ${ids.join() || 'none'}`);
      this.plane.postgres.reload(server);
      return server;
    });
    const alive = (): boolean => process.alive || this.died(ref);
    await this.effects.until('names shown', ref.id, effect, () => alive() && !process.hung && same(process.shownNames, ids));
    if (!this.plane.rulesOff.has('3d')) {
      await this.effects.until('checkpoint', ref.id, effect, () => alive() && !process.hung && process.checkpointerReloads === 0);
      await this.effects.until('sync state', ref.id, effect, () => alive() && !process.hung && same(
        process.sessions.filter(({ open, names, receiver }) => open && names.includes(receiver.instance.id)).map(({ receiver }) => receiver.instance.id), ids));
    }
    const lsn = lsnOf(instance.data?.wal.length ?? 0);
    this.effects.take(instance, 'set-names', ref.id, effect.token);
    return { lsn };
  }

  async waitForFlush(ref: InstanceRef, standbyId: string, lsn: Lsn, effect: Effect): Promise<void> {
    await this.effects.pause('wait-for-flush', ref.id);
    const instance = this.at(ref);
    const step = stepOf(effect);
    if (this.plane.rulesOff.has('3b') && step === 'shrink') return;
    if (this.plane.rulesOff.has('3c') && (step === 'synchronize' || step === 'widen')) return;
    this.effects.take(instance, 'wait-for-flush', ref.id, effect.token);
    const process = running(instance);
    await this.effects.until(`flush of ${standbyId}`, ref.id, effect, () => (process.alive || this.died(ref)) && !process.hung
      && process.sessions.some(({ open, receiver, flushed }) => open && receiver.instance.id === standbyId && flushed >= recordsOf(lsn)));
  }

  start(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    const instance = this.at(ref);
    return this.act('start', ref, effect, async (onward) => {
      if (instance.marked) throw new EngineError('permanent', `instance ${ref.id} is fenced`);
      await this.bringUp(instance, onward);
      return see(instance);
    });
  }

  async fence(ref: InstanceRef, effect: Effect, options: { readonly keep?: boolean } = {}): Promise<InstanceObservation> {
    const instance = this.at(ref);
    if (this.plane.rulesOff.has('14') && !instance.reachable) return see(instance);
    return this.act('fence', ref, effect, async (onward) => {
      const mark = (): void => { Object.assign(instance, { marked: true, keep: !this.plane.rulesOff.has('12') && (instance.keep || options.keep === true) }); };
      if (!this.plane.rulesOff.has('5')) {
        mark();
        await onward('marked');
      }
      this.plane.postgres.kill(instance);
      await onward('killed');
      mark();
      return see(instance);
    });
  }

  stopMarked(ref: InstanceRef, effect: Effect): Promise<{ clean: boolean; lsn: Lsn | null }> {
    const instance = this.at(ref);
    const { scheduler, postgres } = this.plane;
    return this.act('stop-marked', ref, effect, async (onward) => {
      const process = instance.process;
      let clean = process !== null && !process.hung && process.role === 'primary';
      if (process && clean) {
        // Sessions end first; the last record is sent to those that stream before the server ends.
        process.waiters = [];
        postgres.write(process, -this.events.nextRecord());
        const since = scheduler.now;
        while (process.alive && process.sessions.some(({ open, flushed }) => open && flushed < (instance.data?.wal.length ?? 0))) {
          await onward('stopping', 20);
          if (scheduler.now - since > STOP_LIMIT_MS) break;
        }
        clean = process.alive && !process.hung && scheduler.now - since <= STOP_LIMIT_MS;
      }
      postgres.kill(instance);
      await onward('stopped');
      if (this.plane.rulesOff.has('6')) return { clean, lsn: lsnOf(instance.data?.wal.length ?? 0) };
      instance.marked = true;
      // Whoever started it in between did so before the mark was there.
      if (instance.process) {
        postgres.kill(instance);
        clean = false;
      }
      return { clean, lsn: clean ? lsnOf(instance.data?.wal.length ?? 0) : null };
    });
  }

  unfence(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    const instance = this.at(ref);
    return this.act('unfence', ref, effect, async (onward) => {
      if (this.dataOf(instance).standbySignal) throw new EngineError('permanent', `instance ${ref.id} is a standby`);
      Object.assign(instance, { marked: false, keep: false });
      await this.bringUp(instance, onward);
      return see(instance);
    });
  }

  async claim(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    const instance = this.at(ref);
    const { rulesOff } = this.plane;
    const step = stepOf(effect);
    if (rulesOff.has('7') && step === 'check-candidate') return this.observe(ref);
    return this.act('claim', ref, effect, () => Promise.resolve(see(instance)));
  }

  promote(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    const instance = this.at(ref);
    return this.act('promote', ref, effect, async (onward) => {
      if (instance.marked) throw new EngineError('permanent', `instance ${ref.id} is fenced`);
      const { data } = instance;
      // Promoted by somebody who did not live to record it, and dead since: it goes on as the primary that it is.
      if (!instance.process && data?.complete && !data.standbySignal) await this.bringUp(instance, onward);
      const process = running(instance);
      if (process.role === 'primary') return see(instance);
      const named = this.dataOf(instance);
      if (!this.plane.rulesOff.has('9')) {
        named.names = [];
        Object.assign(process, { shownNames: [], checkpointerNames: [] });
      }
      await onward('names emptied');
      if (instance.process !== process || process.hung) throw new EngineError('outcome-unknown', `instance ${ref.id} does not answer`);
      if (instance.refusesPromotion) throw new EngineError('transient', `instance ${ref.id} cannot be promoted`);
      this.plane.postgres.promote(process, -this.events.nextRecord());
      this.events.onPromoted(instance, effect.token);
      return see(instance);
    });
  }

  rejoin(ref: InstanceRef, primaryRef: InstanceRef, effect: Effect): Promise<InstanceObservation & { readonly how: 'repointed' | 'rewound' | 'copied' }> {
    const [instance, primary] = [this.at(ref), this.at(primaryRef)];
    return this.act('rejoin', ref, effect, async (onward) => {
      if (!this.plane.rulesOff.has('10')) sourceOf(primary);
      const how = await this.remake(instance, primary, onward);
      Object.assign(instance, { marked: false, keep: false });
      await this.bringUp(instance, onward);
      const { process } = instance;
      await this.effects.until(`${ref.id} to stream`, ref.id, effect, () => (process?.alive === true || this.died(ref)) && process?.receiving === true);
      return { ...see(instance), how };
    });
  }

  private async remake(instance: Instance, primary: Instance, onward: Onward): Promise<'repointed' | 'rewound' | 'copied'> {
    const { postgres, rulesOff } = this.plane;
    if (rulesOff.has('10')) {
      instance.data = null;
      this.events.onRewritten(instance);
    }
    const source = sourceOf(primary);
    if (instance.data?.complete && isPrefix(instance.data.wal, source.wal)) {
      postgres.kill(instance);
      Object.assign(instance.data, { standbySignal: true, upstream: primary.id, names: [] });
      return 'repointed';
    }
    if (!rulesOff.has('11')) instance.marked = true;
    else Object.assign(instance, { marked: false });
    postgres.kill(instance);
    await onward('killed');
    if (instance.data?.complete && !instance.keep) {
      instance.data.complete = false;
      this.events.onRewritten(instance);
      await onward('rewinding', this.plane.random.between(50, 1_500));
      const { wal } = sourceOf(primary);
      instance.data.wal = commonBeginning(instance.data.wal, wal);
      this.events.onRewritten(instance);
      Object.assign(instance.data, { complete: true, standbySignal: true, upstream: primary.id, names: [] });
      return 'rewound';
    }
    if (instance.keep && instance.data?.complete) instance.kept.push(instance.data.wal);
    if (instance.keep) instance.data = null;
    this.events.onRewritten(instance);
    const copy = [...sourceOf(primary).wal];
    await onward('copying', this.plane.random.between(100, 3_000));
    const { timeline } = sourceOf(primary);
    instance.data = { complete: true, wal: copy, timeline, standbySignal: true, upstream: primary.id, names: [] };
    this.events.onRewritten(instance);
    return 'copied';
  }

  private async bringUp(instance: Instance, onward: Onward): Promise<void> {
    if (instance.process) {
      running(instance);
      return;
    }
    if (!this.dataOf(instance).complete) throw new EngineError('permanent', `instance ${instance.id} is half-made`);
    await onward('starting', this.plane.random.between(20, 300));
    if (instance.refusesStart) throw new EngineError('transient', `instance ${instance.id} dies again`);
    if (instance.process) return;
    // The mark stops a server even just before it begins (rule 5).
    if (instance.marked || !this.dataOf(instance).complete) throw new EngineError('transient', `instance ${instance.id} did not start`);
    this.plane.postgres.start(instance);
  }

  private at(ref: InstanceRef): Instance {
    return this.plane.postgres.byId(ref.id);
  }

  private act<T>(verb: string, ref: InstanceRef, effect: Effect, body: (onward: Onward) => Promise<T>): Promise<T> {
    return this.effects.act(verb, ref.id, this.at(ref), effect, body);
  }

  private dataOf(instance: Instance): DataDirectory {
    if (!instance.data) throw new EngineError('permanent', `instance ${instance.id} has no data`);
    return instance.data;
  }

  private died(ref: InstanceRef): never {
    throw new EngineError('transient', `instance ${ref.id} went away`);
  }

  /** A client's transaction is a commit, and none is open for long before it is paused. */
  async openTransactions(ref: InstanceRef): Promise<readonly OpenTransaction[]> {
    await this.effects.pause('open-transactions', ref.id);
    running(this.at(ref));
    return [];
  }

  endTransactions(): Promise<void> { return notSimulated(); }
  checkpoint(ref: InstanceRef): Promise<void> { return this.effects.pause('checkpoint', ref.id); }
  keptCopies(): Promise<readonly KeptCopy[]> { return Promise.resolve([]); }
  releaseKept(): Promise<void> { return notSimulated(); }
  /** Slots are never lost here. */
  provideSlot(): Promise<void> { return Promise.resolve(); }
  dropSlot(): Promise<void> { return notSimulated(); }
  createPrimary(): Promise<InstanceObservation> { return notSimulated(); }
  attachStandby(): Promise<InstanceObservation> { return notSimulated(); }
  setOwnerVerifier(): Promise<void> { return notSimulated(); }
  equip(): Promise<void> { return Promise.resolve(); }
  observeExtensions(): Promise<never> { return notSimulated(); }
  createExtension(): Promise<never> { return notSimulated(); }
  dropExtension(): Promise<void> { return notSimulated(); }
  observeRoles(): Promise<never> { return notSimulated(); }
  setRole(): Promise<void> { return notSimulated(); }
  dropRole(): Promise<void> { return notSimulated(); }
  destroy(): Promise<void> { return notSimulated(); }
  measureStorage(): Promise<StorageMeasure> { return Promise.resolve({ dataBytes: 0, temporaryBytes: 0, walBytes: 0, writing: 'open' }); }
  setWriting(): Promise<void> { return notSimulated(); }
  endSessions(): Promise<void> { return notSimulated(); }
  watch(): InstanceWatch { throw new Error('the simulated watcher looks by itself'); }
}

function notSimulated(): never {
  throw new Error('this verb is not simulated');
}

/** What can be seen of an instance; its role on disk too, where it does not run. */
export function see(instance: Instance): InstanceObservation {
  const { data, process, marked, port, reachable } = instance;
  const seen = { exists: data?.complete ?? false, marked, address: instance.id, port };
  if (!reachable) return { exists: true, marked: false, address: instance.id, port, process: 'hung' };
  const role = data?.complete ? (data.standbySignal ? 'standby' as const : 'primary' as const) : undefined;
  if (!process || !data) return { ...seen, process: 'stopped', ...(role && { role }) };
  if (process.hung) return { ...seen, process: 'hung', ...(role && { role }) };
  const running = { ...seen, process: 'running' as const, role: process.role, timeline: data.timeline, lsn: lsnOf(data.wal.length), synchronousStandbys: process.shownNames };
  return process.role === 'standby' ? { ...running, receiving: process.receiving } : { ...running, standbys: standbysSeen(process) };
}

export function standbysSeen(process: Postmaster): StandbyObservation[] {
  const end = process.instance.data?.wal.length ?? 0;
  return process.sessions.filter(({ open }) => open).map(({ receiver, flushed, names }) => ({
    instanceId: receiver.instance.id, state: 'streaming', syncState: names.includes(receiver.instance.id) ? 'quorum' : 'async',
    flushLsn: lsnOf(flushed), lagBytes: (end - flushed) * RECORD_BYTES, lagSeconds: 0,
  }));
}

function running(instance: Instance): Postmaster {
  const { process } = instance;
  if (!process || process.hung) throw new EngineError('transient', `instance ${instance.id} does not answer`);
  return process;
}

/** The source of a copy or a rewind is seen alive and primary at that moment (rule 10). */
function sourceOf(primary: Instance): DataDirectory {
  const process = running(primary);
  if (process.role !== 'primary' || !primary.data || !primary.reachable) throw new EngineError('transient', `instance ${primary.id} is no primary`);
  return primary.data;
}

function commonBeginning(wal: readonly number[], other: readonly number[]): number[] {
  let length = 0;
  while (length < Math.min(wal.length, other.length) && wal[length] === other[length]) length += 1;
  return wal.slice(0, length);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join() === [...b].sort().join();
}
