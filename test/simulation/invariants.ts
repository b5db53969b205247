import { primaryOf } from '../../src/databases/database-records.js';
import type { Operation } from '../../src/operations/operation.js';
import type { Instance } from './engine/postgres.js';
import type { SimulatedRoute } from './engine/simulated-gateway.js';
import type { MemoryDatabaseRecords } from './kernel/memory-records.js';

export class Violation extends Error {
  constructor(readonly invariant: string, message: string) {
    super(`invariant ${invariant}: ${message}`);
    this.name = 'Violation';
  }
}

interface Acknowledged {
  readonly position: number;
  /** Whether an operator accepted that it may be lost: then it may be missing where the route leads, and must exist all the same. */
  forgiven: boolean;
}

/** Remembers every commit that a client was told of, and holds the data plane to the invariants of the protocol. */
export class Invariants {
  private readonly acknowledged = new Map<number, Acknowledged>();
  private moved = false;
  private violation: Violation | undefined;

  constructor(private readonly instances: readonly Instance[], private readonly route: SimulatedRoute, private readonly records: MemoryDatabaseRecords) {}

  get commits(): number {
    return this.acknowledged.size;
  }

  onAcknowledged(record: number, position: number): void {
    const entry = { position, forgiven: false };
    this.acknowledged.set(record, entry);
    this.checkCommit(record, entry);
  }

  /** Something has moved, died, begun or been rewritten: everything is looked at after this event. */
  onUpheaval(): void {
    this.moved = true;
  }

  /** @throws Violation of this event, wherever in it it was noticed */
  afterEach(): void {
    if (this.moved) {
      this.moved = false;
      this.checkWriters();
      for (const [record, entry] of this.acknowledged) this.checkCommit(record, entry);
    }
    if (this.violation) throw this.violation;
  }

  /** Kept until the event is over: a step under test would take an error for one of its engine's. */
  private fail(invariant: string, message: string): void {
    this.violation ??= new Violation(invariant, message);
  }

  private checkWriters(): void {
    const writers = this.instances.filter(({ process }) => process?.role === 'primary' && !process.hung);
    if (writers.length > 1) this.fail('2', `${writers.map(({ id }) => id).join(' and ')} accept writes`);
  }

  private checkCommit(record: number, { position, forgiven }: Acknowledged): void {
    if (forgiven) return;
    const { state, target } = this.route;
    const led = this.instances.find(({ id }) => id === target);
    if (state === 'open' && led?.data?.complete && !has(led.data.wal, record, position)) {
      this.fail('1', `commit ${record} was acknowledged and is not in ${target}, to which the route leads`);
    }
    const members = this.instances.filter(({ id }) => this.records.present.inSync.includes(id));
    if (members.length > 0 && members.every(({ data }) => data?.complete) && !members.some(({ data }) => data && has(data.wal, record, position))) {
      this.fail('R', `commit ${record} was acknowledged and is in none of ${members.map(({ id }) => id).join()}, which are recorded in sync`);
    }
  }

  /** Reprotection threw something away. */
  onRewritten(instance: Instance): void {
    this.moved = true;
    for (const [record, { position }] of this.acknowledged) {
      if (this.isSomewhere(record, position)) continue;
      this.fail('4', `rewriting ${instance.id} destroyed the last copy of commit ${record}`);
    }
  }

  /** A disk was lost, which no protocol can undo: what was only there is gone. */
  onDiskLost(): void {
    this.moved = true;
    for (const [record, { position }] of this.acknowledged) if (!this.isSomewhere(record, position)) this.acknowledged.delete(record);
  }

  /** An operator accepted that the promoted instance lacks something. */
  onForced(promoted: Instance): void {
    for (const [record, entry] of this.acknowledged) {
      if (!promoted.data || !has(promoted.data.wal, record, entry.position)) entry.forgiven = true;
    }
  }

  onSwitchoverFailed(operation: Operation): void {
    const { ref } = primaryOf(this.records.present);
    const primary = this.instances.find(({ id }) => id === ref.id);
    // Nobody can write to an instance whose disk was lost meanwhile.
    if (!primary?.data) return;
    if (primary.marked || this.route.state !== 'open' || this.route.target !== ref.id) {
      this.fail('5', `${operation.id} failed, and ${ref.id} is ${primary.marked ? 'marked' : `not behind the route (${this.route.state}, ${this.route.target})`}`);
    }
  }

  private isSomewhere(record: number, position: number): boolean {
    return this.instances.some(({ data, kept }) => (data?.complete && has(data.wal, record, position)) || kept.some((wal) => has(wal, record, position)));
  }
}

function has(wal: readonly number[], record: number, position: number): boolean {
  return wal[position] === record;
}
