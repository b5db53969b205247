import { primaryOf, standbysOf } from '../../src/databases/database-records.js';
import { FAILOVER } from '../../src/databases/operations/failover.operation.js';
import { RECOVER } from '../../src/databases/operations/recover.operation.js';
import { REPROTECT } from '../../src/databases/operations/reprotect.operation.js';
import { SWITCHOVER } from '../../src/databases/operations/switchover.operation.js';
import type { Engine } from '../../src/engine/ports.js';
import type { Transition } from '../../src/operations/decide-transition.js';
import { OperationRegistry } from '../../src/operations/registry.js';
import { stepPlans } from '../../src/operations/runner.js';
import type { Held } from '../../src/operations/store.js';
import type { Meaning } from '../../src/operations/traits.js';
import { Client } from './client.js';
import type { DataPlane } from './engine/effects.js';
import { Instance, Postgres } from './engine/postgres.js';
import { SimulatedGateway, SimulatedRoute } from './engine/simulated-gateway.js';
import { SimulatedInstances } from './engine/simulated-instances.js';
import { Invariants, Violation } from './invariants.js';
import { DATABASE_ID, MemoryDatabaseRecords } from './kernel/memory-records.js';
import { MemoryTx } from './kernel/memory-metadata.js';
import { MemoryOperationStore } from './kernel/memory-store.js';
import { metadataClock, Remote, SimulatedWorker } from './kernel/worker.js';
import { Random } from '../support/random.js';
import type { RulesOff } from './rules.js';
import { type Owner, Scheduler } from './scheduler.js';
import { Stage } from './stage.js';
import { registerTables } from './tables.js';
import { Watcher } from './watcher.js';

export interface WorldOptions {
  readonly seed: number;
  readonly instances: 2 | 3;
  readonly rulesOff?: RulesOff;
}

type Request =
  | { readonly kind: 'failover'; readonly forced: boolean; readonly acceptDataLoss: boolean; readonly reason: string }
  | { readonly kind: 'switchover' } | { readonly kind: 'recover' } | { readonly kind: 'reprotect'; readonly reason: string };

const SWEEP_MS = 500;
const ENQUEUED_MS = 2_000;
const OPERATOR: Owner = { name: 'operator', stalledUntil: 0, dead: false };

/** One database with everything around it: a data plane, a metadata store, workers, a watcher and clients. */
export class World {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly stage: Stage;
  readonly instances: readonly Instance[];
  readonly postgres: Postgres;
  readonly route: SimulatedRoute;
  readonly records: MemoryDatabaseRecords;
  readonly store: MemoryOperationStore;
  readonly invariants: Invariants;
  readonly clients: readonly Client[];
  readonly watcher: Watcher;
  workers: SimulatedWorker[] = [];
  private readonly plane: DataPlane;
  private readonly registry = new OperationRegistry<MemoryTx>();
  private records_ = 0;
  private operations = 0;
  private births = 0;

  constructor(readonly options: WorldOptions) {
    const rulesOff = options.rulesOff ?? new Set();
    this.random = new Random(options.seed);
    this.stage = new Stage(this.scheduler, this.random);
    const ids = ['a', 'b', 'c'].slice(0, options.instances);
    this.instances = ids.map((id, index) => new Instance(id, 5_000 + index, {
      complete: true, wal: [-1], timeline: 1, standbySignal: index > 0, upstream: index > 0 ? 'a' : null, names: index > 0 ? [] : ids.slice(1),
    }));
    this.records_ = 1;
    this.postgres = new Postgres({ scheduler: this.scheduler, random: this.random, instances: this.instances, onUpheaval: () => this.invariants.onUpheaval() });
    this.plane = { scheduler: this.scheduler, random: this.random, stage: this.stage, postgres: this.postgres, rulesOff };
    this.route = new SimulatedRoute('a');
    this.records = new MemoryDatabaseRecords(ids, { emptiesInSync: !rulesOff.has('9') });
    this.store = new MemoryOperationStore({ now: metadataClock(this.scheduler), compareAndSet: !rulesOff.has('2') });
    this.invariants = new Invariants(this.instances, this.route, this.records);
    this.clients = [false, false, true].map((isDirect) => new Client({
      scheduler: this.scheduler, random: this.random, postgres: this.postgres, route: this.route, invariants: this.invariants, nextRecord: () => this.nextRecord(),
    }, isDirect));
    this.route.onCut = () => { for (const client of this.clients) client.cut(); };
    this.route.onMoved = () => this.invariants.onUpheaval();
    this.route.isBusy = () => this.clients.some(({ isBusy }) => isBusy);
    this.watcher = new Watcher('watcher', {
      scheduler: this.scheduler, instances: this.instances, recovers: !rulesOff.has('13'),
      read: () => ({ record: this.records.present, change: this.runningChange() }),
      ask: (owner, care) => this.ask(care.ask === 'failover' ? { kind: FAILOVER, forced: false, acceptDataLoss: false, reason: care.reason } : { kind: care.ask, reason: care.reason }, owner),
    });
    registerTables(this.registry, { engine: this.engineFor(OPERATOR), records: this.records, instances: this.instances, rulesOff });
  }

  /** Lets everybody begin: standbys stream, two workers, a watcher and clients. */
  start(parts: { readonly workers?: number; readonly watcher?: boolean } = {}): void {
    for (const instance of this.instances) this.postgres.start(instance);
    for (let worker = 0; worker < (parts.workers ?? 2); worker += 1) this.bearWorker();
    if (parts.watcher ?? true) this.watcher.start();
    for (const client of this.clients) client.start();
    this.sweep();
  }

  run(untilMs: number, until?: () => boolean): Promise<boolean> {
    return this.scheduler.run({ untilMs, ...(until && { until }), afterEach: () => this.invariants.afterEach() });
  }

  /** Runs until something is so. */
  async reach(what: string, isSo: () => boolean, limitMs = 120_000): Promise<void> {
    if (!(await this.run(this.scheduler.now + limitMs, isSo))) throw new Violation('3', `${what} did not come about within ${limitMs} ms`);
  }

  bearWorker(): SimulatedWorker {
    const worker: SimulatedWorker = new SimulatedWorker(`w${(this.births += 1)}`, {
      scheduler: this.scheduler, random: this.random, stage: this.stage, store: this.store,
      register: (registry, owner) => registerTables(registry, {
        engine: this.engineFor(owner), records: this.recordsFor(owner), instances: this.instances, rulesOff: this.plane.rulesOff,
      }),
      onSettled: (held, transition) => this.onSettled(held, transition),
    });
    this.workers.push(worker);
    return worker;
  }

  /** A worker's process ends; another one takes its place a while later. */
  killWorker(worker: SimulatedWorker, rebornAfterMs: number): void {
    this.scheduler.note(worker.name, 'dies');
    worker.dead = true;
    this.workers = this.workers.filter((other) => other !== worker);
    this.scheduler.schedule(rebornAfterMs, 'a worker is born', () => { this.bearWorker(); });
  }

  stallWorker(worker: Owner, forMs: number): void {
    this.scheduler.note(worker.name, `stalls for ${Math.round(forMs)} ms`);
    worker.stalledUntil = Math.max(worker.stalledUntil, this.scheduler.now + forMs);
  }

  /** Asks for an operation as the service does, in one transaction. */
  ask(request: Request, owner: Owner = OPERATOR): void {
    const remote = new Remote(this.stage, this.random, owner);
    this.scheduler.note(owner.name, `asks for ${request.kind} ${'reason' in request ? request.reason : ''}`);
    remote.call(`request ${request.kind}`, () => this.request(request, owner.name)).then(
      (id) => { if (id !== undefined) this.wake(id, 0); },
      (error: unknown) => this.scheduler.note(owner.name, `is refused: ${String(error)}`),
    );
  }

  private runningChange(): Meaning | null {
    const running = this.store.running(DATABASE_ID);
    return running ? this.registry.meaningOf(running) : null;
  }

  private async request(request: Request, requestedBy: string): Promise<string | undefined> {
    const { epoch, inSync } = this.records.present;
    const running = this.store.running(DATABASE_ID);
    const same = running?.kind === request.kind && (running.input as { epoch?: number }).epoch === epoch;
    if (same && (request.kind === FAILOVER || request.kind === SWITCHOVER)) return undefined;
    if (request.kind === FAILOVER && inSync.length === 0 && !request.acceptDataLoss) throw new Error('no standby is in sync');
    if (request.kind === SWITCHOVER && inSync.length === 0) throw new Error('no standby is in sync');
    const definition = this.registry.get(request.kind);
    const id = `op_${(this.operations += 1)}`;
    const tx = new MemoryTx();
    await this.store.request(tx, {
      id, kind: request.kind, subjectId: DATABASE_ID, ownerId: null, exclusive: definition.exclusive, queue: definition.queue,
      input: inputOf(request, epoch), sealed: null, steps: stepPlans(definition), deadlineMs: definition.deadlineMs,
      requestedBy, requestId: null, preempts: (kind, step) => this.registry.mayEnd(request.kind, { kind, step }),
    });
    tx.commit();
    return id;
  }

  /** The alarm clock: wakes some worker for an operation, and now and then two. */
  wake(operationId: string, inMs: number): void {
    this.scheduler.schedule(inMs + this.random.between(0.5, 3), `wake-up for ${operationId}`, () => {
      if (this.workers.length === 0) return;
      const worker = this.random.pick(this.workers);
      this.runBy(worker, operationId);
      if (this.random.happens(0.1)) this.runBy(this.random.pick(this.workers), operationId);
    });
  }

  runBy(worker: SimulatedWorker, operationId: string): void {
    if (worker.stalledUntil > this.scheduler.now) {
      this.scheduler.schedule(0, '', () => this.runBy(worker, operationId), worker);
      return;
    }
    worker.run(operationId, (inMs) => this.wake(operationId, inMs));
  }

  private sweep(): void {
    this.scheduler.schedule(SWEEP_MS, '', () => {
      this.scheduler.disturb();
      void this.store.takeDue(10, ENQUEUED_MS).then((due) => { for (const { id } of due) this.wake(id, 0); });
      this.sweep();
    });
  }

  private engineFor(owner: Owner): Engine {
    const instances = new SimulatedInstances(this.plane, {
      onRewritten: (instance) => this.invariants.onRewritten(instance),
      onPromoted: (instance, token) => this.onPromoted(instance, token),
      nextRecord: () => this.nextRecord(),
    }, owner);
    return { style: 'drives', instances, gateway: new SimulatedGateway(this.plane, this.route, owner), inventory: () => [], locales: () => Promise.reject(new Error('locales are not simulated')), close: () => Promise.resolve() };
  }

  /** The records as a worker's process reads them; what it writes goes with its steps. */
  private recordsFor(owner: Owner): MemoryDatabaseRecords {
    const remote = new Remote(this.stage, this.random, owner);
    return new Proxy(this.records, {
      get: (target, key) => {
        if (key === 'read') return () => remote.call('read', () => target.read());
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) as unknown : value;
      },
    });
  }

  private onPromoted(instance: Instance, token: bigint): void {
    this.scheduler.note('', `${instance.id} is promoted under token ${token}`);
    const operation = this.store.running(DATABASE_ID);
    if (operation?.kind === FAILOVER && (operation.input as { acceptDataLoss: boolean }).acceptDataLoss) this.invariants.onForced(instance);
  }

  private onSettled({ operation }: Held, transition: Transition): void {
    this.invariants.onUpheaval();
    const accepted = operation.kind === FAILOVER && (operation.input as { acceptDataLoss: boolean }).acceptDataLoss;
    if (accepted && operation.step === 'promote' && transition.type === 'enter') this.invariants.onForced(this.postgres.byId(primaryOf(this.records.present).ref.id));
    if (operation.kind === SWITCHOVER && transition.type === 'end' && transition.state === 'failed') this.invariants.onSwitchoverFailed(operation);
  }

  nextRecord(): number {
    this.records_ += 1;
    return this.records_;
  }

  /** Whether an instance is left that can be started as the database. */
  get hasGoodCopy(): boolean {
    const stateOf = (id: string): string | undefined => this.records.present.members.find(({ ref }) => ref.id === id)?.state;
    return this.instances.some(({ id, data, marked }) => data?.complete && (!marked || stateOf(id) === 'fenced'));
  }

  /** Writable through the route since then, with every standby recorded in sync and streaming, and nothing being done. */
  isWell(since: number): boolean {
    const record = this.records.present;
    if (this.store.running(DATABASE_ID) || this.route.state !== 'open') return false;
    const primary = this.postgres.byId(primaryOf(record).ref.id);
    if (this.route.target !== primary.id || !primary.process || primary.process.hung) return false;
    const standbys = standbysOf(record).filter(({ state }) => state !== 'lost').map(({ ref }) => ref.id);
    const streaming = primary.process.sessions.filter(({ open }) => open).map(({ receiver }) => receiver.instance.id);
    return standbys.every((id) => record.inSync.includes(id) && streaming.includes(id))
      && this.clients.some(({ lastAcknowledgedAt }) => lastAcknowledgedAt > since);
  }
}

function inputOf(request: Request, epoch: number): Record<string, unknown> {
  const databaseId = DATABASE_ID;
  switch (request.kind) {
    case FAILOVER: return { databaseId, epoch, reason: request.reason, forced: request.forced, acceptDataLoss: request.acceptDataLoss };
    case SWITCHOVER: return { databaseId, epoch };
    case RECOVER: return { databaseId };
    case REPROTECT: return { databaseId, reason: request.reason };
  }
}
