import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { EngineError, type EngineErrorKind } from '../../src/engine/errors.js';
import type { ExtensionObservation } from '../../src/engine/extension-list.js';
import type { RoleObservation, WantedRole } from '../../src/engine/role-names.js';
import type {
  CertificateTrouble, DatabaseEndpoint, DatabaseSpec, Effect, EndpointProbe, EndpointProof, EndpointRefusals, EndpointSubject, Engine, GatewayPort, InstanceGlimpse, InstanceInspection, InstanceObservation, InstanceRef, InstancesPort, InstanceWatch,
  InventoryRegion, KeptCopy, KeptGateway, LocaleOffer, Lsn, OpenTransaction, RefusalCount, RestrictedRoute, Route, RouteObservation, StandbyObservation, StorageMeasure, Writing,
} from '../../src/engine/ports.js';
import { FakeBackups } from './fake-backups.js';

/** The verbs that have an effect, and so can be failed, held and interrupted. */
export const FAKE_VERBS = [
  'createPrimary', 'attachStandby', 'setSynchronousStandbys', 'waitForFlush', 'setOwnerVerifier', 'equip', 'createExtension', 'dropExtension', 'setRole', 'dropRole', 'start', 'fence', 'stopMarked',
  'unfence', 'claim', 'promote', 'rejoin', 'provideSlot', 'dropSlot', 'destroy', 'releaseKept', 'endTransactions', 'open', 'close', 'pause', 'restrict', 'remove', 'verify',
  'archiveTo', 'archiveNow', 'adoptArchive', 'backUp', 'freeze', 'expire', 'restore', 'prove', 'removeSet',
] as const;
export type FakeVerb = (typeof FAKE_VERBS)[number];

/** One call of a verb, as it arrived. */
export interface FakeCall {
  readonly verb: FakeVerb;
  /** The instance's id, or the database's for a verb of the gateway; how an instance archives, and a set at a site, are subjects of their own. */
  readonly subject: string;
  readonly databaseId: string;
  readonly token: bigint;
  readonly trace: Effect['trace'];
  /** Whether the verb takes no notice of tokens. */
  readonly unfenced?: boolean;
}

/** A moment at which the caller may be made to crash: just before the effect, or when it happened and nobody was told. */
export interface CrashPoint {
  readonly when: 'before' | 'after';
  readonly call: FakeCall;
}

export interface Fault {
  readonly kind: Exclude<EngineErrorKind, 'superseded'>;
  readonly message?: string;
  readonly hint?: string;
  /** How often; once by default, `Infinity` until {@link FakeEngine.heal}. */
  readonly times?: number;
  /** Whether the effect happens all the same, and only its answer is lost. */
  readonly afterEffect?: boolean;
  /** Only for calls about this database. */
  readonly databaseId?: string;
}

/** A call that was stopped on its way to its effect. */
export interface HeldCall {
  /** Resolves when a call has arrived and waits. */
  readonly reached: Promise<FakeCall>;
  release(): void;
}

/** What can be told of an instance when nobody looks through the ports. */
export interface FakeInstance {
  readonly ref: InstanceRef;
  role: 'primary' | 'standby';
  running: boolean;
  marked: boolean;
  /** Whether its data is to be kept when it is made anew. */
  keep?: boolean;
  /** Whether its last end was a shutdown that it finished. */
  stoppedCleanly: boolean;
  readonly port: number;
  ownerVerifier: string;
  synchronousStandbys: readonly string[];
  /** Who may write; everybody if it was never said. */
  writing?: Writing;
  dataBytes?: number;
  readonly slots: Set<string>;
  /** On a standby: the primary that it follows. */
  upstream: string | null;
  walBytes: bigint;
  systemIdentifier: string;
  timeline: number;
}

/** Some of what a server has. */
const EXTENSIONS: readonly ExtensionObservation[] = [
  { name: 'earthdistance', version: '1.1', description: 'distances', trusted: false, installed: null },
  { name: 'hstore', version: '1.8', description: 'keys and values', trusted: true, installed: null },
  { name: 'plpgsql', version: '1.0', description: 'functions', trusted: true, installed: { version: '1.0', schema: 'pg_catalog', by: 'freehold' } },
  { name: 'postgis', version: '3.3.2', description: 'maps', trusted: false, installed: null },
  { name: 'postgres_fdw', version: '1.1', description: 'other servers', trusted: false, installed: null },
];

interface PlannedFault extends Fault {
  left: number;
}

interface Gate {
  readonly arrive: (call: FakeCall) => void;
  readonly open: Promise<void>;
}

/**
 * A data plane in memory that keeps the contract of the ports: idempotent verbs, refusal of lower tokens atomically
 * with the effect, errors of the declared kinds. Faults, waits and crashes happen where a test says so.
 */
export class FakeEngine implements Engine {
  readonly style = 'drives';
  readonly instances: InstancesPort = new FakeInstances(this);
  readonly gateway: GatewayPort = new FakeGateway(this);
  readonly backups = new FakeBackups(this);

  /** The programs that are installed, with which everything runs. */
  postgresVersion = '17.0';
  /** Every call in the order of arrival. */
  readonly calls: FakeCall[] = [];
  /** Everything that exists, by instance. */
  readonly made = new Map<string, FakeInstance>();
  /** What was moved aside, by instance. */
  readonly kept = new Map<string, KeptCopy[]>();
  /** The extensions that databases have, by database and name. */
  readonly extensions = new Map<string, Map<string, ExtensionObservation['installed']>>();
  /** The customers' roles with their verifiers, by database and name. */
  readonly roles = new Map<string, Map<string, Omit<WantedRole, 'create'>>>();
  /** Every route, by database. */
  readonly routes = new Map<string, Route>();
  /** Transactions that customers have open, by instance. */
  readonly transactions = new Map<string, readonly OpenTransaction[]>();
  /** Databases whose routes make clients wait. */
  readonly waiting = new Set<string>();
  /** Regions whose gateway is down. */
  readonly gatewaysDown = new Set<string>();
  /** What clients were refused for, by region. */
  readonly refusals = new Map<string, readonly RefusalCount[]>();
  /** Databases whose pooler is dead. */
  readonly poolersDown = new Set<string>();
  /** What is wrong with the certificate that an operator supplied. */
  certificateTrouble: CertificateTrouble | null = null;
  /** Called around each effect; what it throws, the caller gets, and while it does not return, the caller is stuck. */
  onCrashPoint: (point: CrashPoint) => void | Promise<void> = () => undefined;
  /** What happens to the data plane by other hands just before a call; the test says for which. */
  readonly strangers = new Set<(call: FakeCall) => void>();

  private readonly held = new Map<string, Set<() => void>>();
  private readonly tokens = new Map<string, bigint>();
  private readonly faults = new Map<FakeVerb, PlannedFault[]>();
  private readonly gates = new Map<FakeVerb, Gate[]>();
  private ports = 50_000;

  constructor(private readonly options: { readonly hostMemoryMb?: number; readonly encryptedAtRest?: 'fscrypt' | 'none' } = {}) {}

  inventory(): readonly InventoryRegion[] {
    const memoryMb = this.options.hostMemoryMb ?? 64_000;
    return REGIONS.map(({ id, name, timeZone }, region) => ({
      id, name, timeZone,
      dataCenters: ['a', 'b'].map((suffix, center) => ({
        id: `${id}-${suffix}`, name: `${name} ${suffix.toUpperCase()}`,
        hosts: [1, 2].map((host) => ({
          id: `hst_${id}-${suffix}${host}`, address: `127.10.${region}.${center * 10 + host}`, storageId: `sto_${id}-${suffix}${host}`, memoryMb,
          encryptedAtRest: this.options.encryptedAtRest ?? 'fscrypt',
        })),
      })),
    }));
  }

  locales(): Promise<LocaleOffer> {
    return Promise.resolve({ libc: ['C', 'C.UTF-8', 'de_DE.UTF-8'], icu: true, builtin: [] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets the next calls of a verb fail. */
  fail(verb: FakeVerb, fault: Fault): void {
    this.faults.set(verb, [...(this.faults.get(verb) ?? []), { ...fault, left: fault.times ?? 1 }]);
  }

  /** Forgets the faults that are still planned, of one verb or of all. */
  heal(verb?: FakeVerb): void {
    if (verb) this.faults.delete(verb);
    else this.faults.clear();
  }

  /** Holds the next call of a verb just before its effect, until it is released or its signal aborts. */
  hold(verb: FakeVerb): HeldCall {
    let arrive!: (call: FakeCall) => void;
    let release!: () => void;
    const reached = new Promise<FakeCall>((resolve) => { arrive = resolve; });
    const open = new Promise<void>((resolve) => { release = resolve; });
    this.gates.set(verb, [...(this.gates.get(verb) ?? []), { arrive, open }]);
    return { reached, release };
  }

  /** Ends the process of an instance, as a crash of its machine would, and tells who holds a connection to it. */
  crashInstance(id: string): void {
    this.stop(this.require(id), false);
  }

  /** Ends an instance's process. */
  stop(instance: FakeInstance, cleanly: boolean): void {
    if (!instance.running) return;
    Object.assign(instance, { running: false, stoppedCleanly: cleanly });
    for (const call of this.held.get(instance.ref.id) ?? []) call();
  }

  /** Calls back when the instance's process ends, until told not to. */
  holdConnection(id: string, call: () => void): () => void {
    const calls = this.held.get(id) ?? new Set();
    this.held.set(id, calls.add(call));
    return () => calls.delete(call);
  }

  /** What of a database still exists; empty when nothing was left over. */
  leftovers(databaseId: string): string[] {
    const instances = [...this.made.values()].filter(({ ref }) => ref.database.id === databaseId).map(({ ref }) => ref.id);
    const kept = [...this.kept.keys()].filter((id) => this.calls.some(({ subject, databaseId: of }) => subject === id && of === databaseId)).map((id) => `kept copies of ${id}`);
    return [...instances, ...kept, ...(this.routes.has(databaseId) ? [`route of ${databaseId}`] : [])];
  }

  callsOf(databaseId: string): FakeCall[] {
    return this.calls.filter((call) => call.databaseId === databaseId);
  }

  require(id: string): FakeInstance {
    const instance = this.made.get(id);
    if (!instance) throw new EngineError('transient', `instance ${id} was not made yet`, 'create it first');
    return instance;
  }

  requireRunning(id: string): FakeInstance {
    const instance = this.require(id);
    if (!instance.running) throw new EngineError('transient', `instance ${id} does not answer`, 'start it first');
    return instance;
  }

  /** Makes an instance that runs. */
  makeInstance(ref: InstanceRef, role: FakeInstance['role'], lineage: Pick<FakeInstance, 'systemIdentifier' | 'timeline' | 'upstream'>): FakeInstance {
    this.ports += 1;
    const instance: FakeInstance = {
      ref, role, running: true, marked: false, port: this.ports, ownerVerifier: ref.database.ownerVerifier,
      synchronousStandbys: [], slots: new Set(), walBytes: 0x3000000n, stoppedCleanly: false, ...lineage,
    };
    this.made.set(ref.id, instance);
    return instance;
  }

  /** The way of every verb with an effect: record, crash point, waits and faults, token, effect, crash point. */
  async act<Result>(call: FakeCall, signal: AbortSignal, effect: () => Result): Promise<Result> {
    this.calls.push(call);
    await this.onCrashPoint({ when: 'before', call });
    await this.waitAtGate(call, signal);
    if (signal.aborted) throw new EngineError('outcome-unknown', `${call.verb} was cut off`, 'observe it, then try again');
    this.takeToken(call);
    for (const meddle of this.strangers) meddle(call);
    const fault = this.takeFault(call);
    if (fault && !fault.afterEffect) throw errorOf(fault, call);
    const result = effect();
    await this.onCrashPoint({ when: 'after', call });
    if (fault) throw errorOf(fault, call);
    return result;
  }

  private takeToken({ verb, subject, token, unfenced }: FakeCall): void {
    if (unfenced) return;
    const highest = this.tokens.get(subject) ?? 0n;
    if (token < highest) throw new EngineError('superseded', `${verb} of ${subject} came with token ${token}, and ${highest} was seen`);
    this.tokens.set(subject, token);
  }

  private takeFault({ verb, databaseId }: FakeCall): PlannedFault | undefined {
    const fault = this.faults.get(verb)?.find((planned) => planned.left > 0 && (planned.databaseId ?? databaseId) === databaseId);
    if (fault) fault.left -= 1;
    return fault;
  }

  private async waitAtGate(call: FakeCall, signal: AbortSignal): Promise<void> {
    const gate = this.gates.get(call.verb)?.shift();
    if (!gate) return;
    gate.arrive(call);
    await Promise.race([gate.open, new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))]);
  }
}

class FakeInstances implements InstancesPort {
  constructor(private readonly engine: FakeEngine) {}

  observe(ref: InstanceRef): Promise<InstanceObservation> {
    return Promise.resolve(this.see(ref));
  }

  createPrimary(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('createPrimary', ref, effect, () => {
      const known = this.engine.made.get(ref.id);
      if (known?.marked) throw new EngineError('permanent', `instance ${ref.id} is fenced`);
      if (known) known.running = true;
      else this.engine.makeInstance(ref, 'primary', { systemIdentifier: systemIdentifier(ref.id), timeline: 1, upstream: null });
      return this.see(ref);
    });
  }

  attachStandby(ref: InstanceRef, primaryRef: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('attachStandby', ref, effect, () => {
      const primary = this.engine.requireRunning(primaryRef.id);
      const known = this.engine.made.get(ref.id);
      if (known?.role === 'primary') throw new EngineError('permanent', `instance ${ref.id} is a primary and holds a customer's data`);
      const { systemIdentifier, timeline } = primary;
      if (known) Object.assign(known, { running: true, upstream: primaryRef.id, timeline });
      else this.engine.makeInstance(ref, 'standby', { systemIdentifier, timeline, upstream: primaryRef.id });
      primary.slots.add(ref.id);
      return this.see(ref);
    });
  }

  setSynchronousStandbys(ref: InstanceRef, standbyIds: readonly string[], effect: Effect): Promise<{ lsn: Lsn }> {
    return this.act('setSynchronousStandbys', ref, effect, () => {
      const primary = this.engine.requireRunning(ref.id);
      primary.synchronousStandbys = [...standbyIds];
      primary.walBytes += 0x100n;
      return { lsn: lsnOf(primary.walBytes) };
    });
  }

  waitForFlush(ref: InstanceRef, standbyId: string, _lsn: Lsn, effect: Effect): Promise<void> {
    return this.act('waitForFlush', ref, effect, () => {
      this.engine.requireRunning(ref.id);
      if (!this.follows(standbyId, ref.id)) throw new EngineError('transient', `standby ${standbyId} does not stream from ${ref.id}`, 'attach it first');
    });
  }

  setOwnerVerifier(ref: InstanceRef, verifier: string, effect: Effect): Promise<void> {
    return this.act('setOwnerVerifier', ref, effect, () => {
      this.engine.requireRunning(ref.id).ownerVerifier = verifier;
    });
  }

  equip(ref: InstanceRef, effect: Effect): Promise<void> {
    return this.act('equip', ref, effect, () => undefined);
  }

  async observeExtensions(ref: InstanceRef): Promise<readonly ExtensionObservation[]> {
    this.engine.requireRunning(ref.id);
    const installed = this.extensionsOf(ref);
    return Promise.resolve(EXTENSIONS.map((extension) => ({ ...extension, installed: installed.get(extension.name) ?? extension.installed })));
  }

  createExtension(ref: InstanceRef, { name, schema }: { readonly name: string; readonly schema: string }, effect: Effect): Promise<{ readonly made: boolean }> {
    return this.act('createExtension', ref, effect, () => {
      const known = EXTENSIONS.find((extension) => extension.name === name);
      if (!known) throw new EngineError('permanent', `the server has no extension "${name}"`, 'see which there are');
      const installed = this.extensionsOf(ref);
      if (installed.has(name)) return { made: false };
      installed.set(name, { version: known.version, schema, by: known.trusted ? 'owner' : 'freehold' });
      return { made: true };
    });
  }

  dropExtension(ref: InstanceRef, name: string, effect: Effect): Promise<void> {
    return this.act('dropExtension', ref, effect, () => void this.extensionsOf(ref).delete(name));
  }

  private extensionsOf({ database }: InstanceRef): Map<string, ExtensionObservation['installed']> {
    const installed = this.engine.extensions.get(database.id) ?? new Map<string, ExtensionObservation['installed']>();
    this.engine.extensions.set(database.id, installed);
    return installed;
  }

  async observeRoles(ref: InstanceRef): Promise<readonly RoleObservation[]> {
    this.engine.requireRunning(ref.id);
    return Promise.resolve([...this.rolesOf(ref).values()].map(({ name, access }) => ({ name, access })));
  }

  setRole(ref: InstanceRef, { create, ...role }: WantedRole, effect: Effect): Promise<void> {
    return this.act('setRole', ref, effect, () => {
      if (!create && !this.rolesOf(ref).has(role.name)) throw new EngineError('permanent', `there is no role "${role.name}"`, 'see which there are');
      this.rolesOf(ref).set(role.name, role);
    });
  }

  dropRole(ref: InstanceRef, name: string, effect: Effect): Promise<void> {
    return this.act('dropRole', ref, effect, () => void this.rolesOf(ref).delete(name));
  }

  private rolesOf({ database }: InstanceRef): Map<string, Omit<WantedRole, 'create'>> {
    const roles = this.engine.roles.get(database.id) ?? new Map<string, Omit<WantedRole, 'create'>>();
    this.engine.roles.set(database.id, roles);
    return roles;
  }

  measureStorage(ref: InstanceRef): Promise<StorageMeasure> {
    const { writing = 'open', dataBytes = 2 ** 24 } = this.engine.requireRunning(ref.id);
    return Promise.resolve({ dataBytes, temporaryBytes: 0, walBytes: 0, writing });
  }

  setWriting(ref: InstanceRef, writing: Writing): Promise<void> {
    this.engine.requireRunning(ref.id).writing = writing;
    return Promise.resolve();
  }

  endSessions(): Promise<void> {
    return Promise.resolve();
  }

  start(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('start', ref, effect, () => {
      const instance = this.engine.require(ref.id);
      if (instance.marked) throw new EngineError('permanent', `instance ${ref.id} is fenced`);
      instance.running = true;
      return this.see(ref);
    });
  }

  fence(ref: InstanceRef, effect: Effect, { keep = false }: { readonly keep?: boolean } = {}): Promise<InstanceObservation> {
    return this.act('fence', ref, effect, () => {
      const instance = this.engine.made.get(ref.id);
      if (instance) {
        instance.marked = true;
        instance.keep ||= keep;
        this.engine.stop(instance, false);
      }
      return this.see(ref);
    });
  }

  checkpoint(ref: InstanceRef): Promise<void> {
    this.engine.requireRunning(ref.id);
    return Promise.resolve();
  }

  openTransactions(ref: InstanceRef): Promise<readonly OpenTransaction[]> {
    return Promise.resolve().then(() => {
      this.engine.requireRunning(ref.id);
      return this.engine.transactions.get(ref.id) ?? [];
    });
  }

  endTransactions(ref: InstanceRef, transactions: readonly OpenTransaction[], effect: Effect): Promise<void> {
    return this.act('endTransactions', ref, effect, () => {
      const left = this.engine.transactions.get(ref.id)?.filter(({ pid }) => !transactions.some((ended) => ended.pid === pid));
      this.engine.transactions.set(ref.id, left ?? []);
    });
  }

  stopMarked(ref: InstanceRef, effect: Effect): Promise<{ clean: boolean; lsn: Lsn | null }> {
    return this.act('stopMarked', ref, effect, () => {
      const instance = this.engine.require(ref.id);
      this.engine.stop(instance, true);
      instance.marked = true;
      return { clean: instance.stoppedCleanly, lsn: instance.stoppedCleanly ? lsnOf(instance.walBytes) : null };
    });
  }

  unfence(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('unfence', ref, effect, () => {
      Object.assign(this.engine.require(ref.id), { marked: false, keep: false, running: true });
      return this.see(ref);
    });
  }

  claim(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('claim', ref, effect, () => ({ ...this.see(ref), ...(this.engine.made.has(ref.id) && { role: this.engine.require(ref.id).role }) }));
  }

  promote(ref: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.act('promote', ref, effect, () => {
      const instance = this.engine.requireRunning(ref.id);
      if (instance.marked) throw new EngineError('permanent', `instance ${ref.id} is fenced`);
      if (instance.role === 'standby') {
        const walBytes = this.walOf(instance);
        Object.assign(instance, { role: 'primary', upstream: null, synchronousStandbys: [], timeline: instance.timeline + 1, walBytes });
      }
      return this.see(ref);
    });
  }

  rejoin(ref: InstanceRef, primaryRef: InstanceRef, effect: Effect): Promise<InstanceObservation & { readonly how: 'repointed' | 'rewound' | 'copied' }> {
    return this.act('rejoin', ref, effect, () => {
      const primary = this.engine.requireRunning(primaryRef.id);
      const known = this.engine.made.get(ref.id);
      if (known?.keep) this.keepAside(known, effect.token);
      const how = known && !known.keep ? (known.role === 'standby' ? 'repointed' : 'rewound') : 'copied';
      const { systemIdentifier, timeline } = primary;
      const instance = known ?? this.engine.makeInstance(ref, 'standby', { systemIdentifier, timeline, upstream: null });
      Object.assign(instance, { role: 'standby', running: true, marked: false, keep: false, upstream: primaryRef.id, systemIdentifier, timeline, synchronousStandbys: [] });
      primary.slots.add(ref.id);
      return { ...this.see(ref), how };
    });
  }

  watch(ref: InstanceRef): InstanceWatch {
    const ends: (() => void)[] = [];
    return {
      look: () => Promise.resolve(this.glimpse(ref)),
      inspect: () => Promise.resolve(this.inspection(ref)),
      onClosed: (call) => { ends.push(this.engine.holdConnection(ref.id, call)); },
      close: () => {
        for (const end of ends) end();
        return Promise.resolve();
      },
    };
  }

  provideSlot(ref: InstanceRef, standbyId: string, effect: Effect): Promise<void> {
    return this.act('provideSlot', ref, effect, () => {
      this.engine.requireRunning(ref.id).slots.add(standbyId);
    });
  }

  dropSlot(ref: InstanceRef, standbyId: string, effect: Effect): Promise<void> {
    return this.act('dropSlot', ref, effect, () => {
      this.engine.requireRunning(ref.id).slots.delete(standbyId);
    });
  }

  keptCopies(ref: InstanceRef): Promise<readonly KeptCopy[]> {
    return Promise.resolve(this.engine.kept.get(ref.id) ?? []);
  }

  releaseKept(ref: InstanceRef, keptId: string, effect: Effect): Promise<void> {
    return this.act('releaseKept', ref, effect, () => {
      const left = this.engine.kept.get(ref.id)?.filter(({ id }) => id !== keptId) ?? [];
      if (left.length > 0) this.engine.kept.set(ref.id, left);
      else this.engine.kept.delete(ref.id);
    });
  }

  private keepAside({ ref }: FakeInstance, token: bigint): void {
    this.engine.kept.set(ref.id, [...(this.engine.kept.get(ref.id) ?? []), { id: token.toString(), keptAt: new Date(0).toISOString(), sizeBytes: 1 }]);
  }

  destroy(ref: InstanceRef, effect: Effect, { spareKept = false }: { readonly spareKept?: boolean } = {}): Promise<void> {
    return this.act('destroy', ref, effect, () => {
      const known = this.engine.made.get(ref.id);
      if (spareKept && known?.keep) this.keepAside(known, effect.token);
      if (!spareKept) this.engine.kept.delete(ref.id);
      this.engine.made.delete(ref.id);
    });
  }

  private act<Result>(verb: FakeVerb, ref: InstanceRef, { token, trace, signal }: Effect, effect: () => Result): Promise<Result> {
    return this.engine.act({ verb, subject: ref.id, databaseId: ref.database.id, token, trace }, signal, effect);
  }

  private follows(standbyId: string, primaryId: string): boolean {
    const standby = this.engine.made.get(standbyId);
    const primary = this.engine.made.get(primaryId);
    return standby?.running === true && standby.upstream === primaryId && primary?.running === true && primary.slots.has(standbyId);
  }

  private see(ref: InstanceRef): InstanceObservation {
    const address = addressOf(this.engine, ref);
    const instance = this.engine.made.get(ref.id);
    if (!instance) return { exists: false, marked: false, process: 'stopped', address };
    const { marked, port, role, systemIdentifier: identifier, timeline, upstream } = instance;
    if (!instance.running) return { exists: true, marked, process: 'stopped', address, port };
    const common = {
      exists: true, marked, process: 'running' as const, address, port, role, postgresVersion: this.engine.postgresVersion, systemIdentifier: identifier, timeline,
      lsn: lsnOf(this.walOf(instance)),
    };
    if (role === 'standby') return { ...common, receiving: upstream !== null && this.follows(ref.id, upstream) };
    return { ...common, synchronousStandbys: instance.synchronousStandbys, standbys: this.standbysOf(instance) };
  }

  private inspection(ref: InstanceRef): InstanceInspection | undefined {
    const { process, role, standbys = [] } = this.see(ref);
    if (process !== 'running' || !role) return undefined;
    const slots = [...this.engine.require(ref.id).slots].map((id) => ({
      name: id.toLowerCase(), active: this.follows(id, ref.id), status: 'reserved' as const, keptBytes: 0, limitBytes: 2 ** 30,
    }));
    return {
      role, standbys, slots, wal: { bytes: 2 ** 24, usualBytes: 2 ** 30 }, oldestTransaction: null, heldBack: null, disk: { usedBytes: 2 ** 30, freeBytes: 2 ** 33, own: false },
    };
  }

  private glimpse(ref: InstanceRef): InstanceGlimpse {
    const { process, role, lsn, receiving, standbys } = this.see(ref);
    if (process !== 'running') return { sight: 'refused' };
    return { sight: 'answers', ...(role && { role }), ...(lsn && { lsn }), ...(receiving !== undefined && { receiving }), ...(standbys && { standbys }) };
  }

  /** A standby that streams has what its primary has; one that does not stays where it was. */
  private walOf(instance: FakeInstance): bigint {
    const { upstream, ref } = instance;
    if (upstream !== null && this.follows(ref.id, upstream)) instance.walBytes = this.engine.require(upstream).walBytes;
    return instance.walBytes;
  }

  private standbysOf(primary: FakeInstance): StandbyObservation[] {
    return [...primary.slots].filter((id) => this.follows(id, primary.ref.id)).map((id) => ({
      instanceId: id, state: 'streaming', syncState: primary.synchronousStandbys.includes(id) ? 'quorum' : 'async',
      flushLsn: lsnOf(primary.walBytes), lagBytes: 0, lagSeconds: 0,
    }));
  }
}

class FakeGateway implements GatewayPort {
  constructor(private readonly engine: FakeEngine) {}

  endpoint({ region, endpointSlot }: EndpointSubject): DatabaseEndpoint {
    const port = 10_000 + 3 * SLOTS * REGIONS.findIndex(({ id }) => id === region) + endpointSlot;
    return { host: '127.0.0.1', port, readOnlyPort: port + SLOTS, pooledPort: port + 2 * SLOTS, rootCertificatePath: null };
  }

  slots(): number {
    return SLOTS;
  }

  observe({ id }: EndpointSubject): Promise<RouteObservation> {
    const route = this.engine.routes.get(id);
    return Promise.resolve(route ? { state: this.engine.waiting.has(id) ? 'held' : 'open', target: route.target } : { state: 'absent' });
  }

  certificateAuthority(region: string): Promise<string> {
    return Promise.resolve(`-----BEGIN CERTIFICATE-----\n${Buffer.from(region).toString('base64')}\n-----END CERTIFICATE-----\n`);
  }

  open(route: Route, effect: Effect): Promise<void> {
    return this.act('open', route.database, effect, () => {
      const { id, region, endpointSlot } = route.database;
      const thief = [...this.engine.routes.values()].find(({ database }) => database.id !== id && database.region === region && database.endpointSlot === endpointSlot);
      if (thief) throw new EngineError('permanent', `the endpoint ${endpointSlot} belongs to another database`);
      this.engine.routes.set(route.database.id, route);
      this.engine.waiting.delete(route.database.id);
    });
  }

  close(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.act('close', database, effect, () => {
      this.engine.waiting.add(database.id);
    });
  }

  pause(database: DatabaseSpec, _limitMs: number, effect: Effect): Promise<void> {
    return this.act('pause', database, effect, () => {
      this.engine.waiting.add(database.id);
    });
  }

  restrict(database: DatabaseSpec, effect: Effect): Promise<RestrictedRoute> {
    return this.act('restrict', database, effect, () => {
      const route = this.engine.routes.get(database.id);
      if (route) this.engine.routes.set(database.id, { ...route, database });
      return { cut: 0 };
    });
  }

  remove(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.act('remove', database, effect, () => {
      this.engine.routes.delete(database.id);
      this.engine.waiting.delete(database.id);
    });
  }

  verify(route: Route, password: string, standbys: readonly InstanceRef[], effect: Effect): Promise<EndpointProof> {
    return this.act('verify', route.database, effect, () => {
      const open = this.engine.routes.get(route.database.id);
      const silent = this.engine.gatewaysDown.has(route.database.region) || this.engine.waiting.has(route.database.id);
      if (!open || silent) throw new EngineError('transient', 'the endpoint does not answer');
      const primary = [...this.engine.made.values()].find(({ ref, role, port, running }) =>
        ref.database.id === route.database.id && role === 'primary' && port === open.target.port && running);
      if (!primary) throw new EngineError('transient', 'nothing that can be written to is behind the endpoint');
      if (!opens(open.database.ownerVerifier, password) || !opens(primary.ownerVerifier, password)) {
        throw new EngineError('permanent', 'the endpoint refuses the password');
      }
      for (const { id } of standbys) {
        const standby = this.engine.requireRunning(id);
        if (standby.upstream !== primary.ref.id) throw new EngineError('transient', `the row was not read on ${id}`);
      }
      return { writeMs: 1, readOn: standbys.map(({ id }) => id) };
    });
  }

  probe({ id, region }: DatabaseSpec): Promise<EndpointProbe> {
    const route = this.engine.routes.get(id);
    if (!route || this.engine.gatewaysDown.has(region)) return Promise.resolve({ state: 'refused', reason: 'nobody listens' });
    if (this.engine.waiting.has(id)) return Promise.resolve({ state: 'silent' });
    const primary = [...this.engine.made.values()].find(({ ref, role, port, running }) => ref.database.id === id && role === 'primary' && port === route.target.port && running);
    if (!primary) return Promise.resolve({ state: 'refused', reason: 'nothing is behind the endpoint' });
    return Promise.resolve(primary.writing === undefined || primary.writing === 'open' ? { state: 'up', tookMs: 1 } : { state: 'read-only' });
  }

  keep(region: string): Promise<KeptGateway> {
    const ids = [...this.engine.routes.values()].filter(({ database }) => database.region === region).map(({ database }) => database.id);
    const started = [...(this.engine.gatewaysDown.delete(region) ? ['router'] : []), ...ids.filter((id) => this.engine.poolersDown.delete(id))];
    return Promise.resolve({ started, running: ['router', ...ids].filter((what) => !started.includes(what)), failed: [], certificate: this.engine.certificateTrouble });
  }

  refusalsOf({ id, region }: EndpointSubject): Promise<EndpointRefusals> {
    const own = (this.engine.refusals.get(region) ?? []).filter(({ databaseId }) => databaseId === id);
    return Promise.resolve({ since: '2026-11-29T00:00:00.000Z', refusals: own.map(({ reason, count }) => ({ reason, count, last: { at: '2026-11-29T10:00:00Z', source: '192.0.2.7' } })) });
  }

  refusals(region: string): Promise<readonly RefusalCount[]> {
    return Promise.resolve(this.engine.refusals.get(region) ?? []);
  }

  private act<Result>(verb: FakeVerb, database: DatabaseSpec, { token, trace, signal }: Effect, effect: () => Result): Promise<Result> {
    return this.engine.act({ verb, subject: database.id, databaseId: database.id, token, trace }, signal, effect);
  }
}

/** Databases that a region has ports for. */
const SLOTS = 1_000;

const REGIONS = [
  { id: 'europe', name: 'Europe', timeZone: 'Europe/Berlin' },
  { id: 'americas', name: 'Americas', timeZone: 'America/New_York' },
  { id: 'asia-pacific', name: 'Asia-Pacific', timeZone: 'Asia/Singapore' },
  { id: 'middle-east-and-northern-asia', name: 'Middle East and Northern Asia', timeZone: 'Asia/Dubai' },
  { id: 'oceania', name: 'Oceania', timeZone: 'Australia/Sydney' },
];

const lsnOf = (bytes: bigint): Lsn => `${(bytes >> 32n).toString(16).toUpperCase()}/${(bytes & 0xffffffffn).toString(16).toUpperCase()}`;

/** Different for every cluster and the same for every call. */
const systemIdentifier = (id: string): string => createHash('sha256').update(id).digest().readBigUInt64BE().toString();

function errorOf({ kind, message, hint }: Fault, { verb, subject }: FakeCall): EngineError {
  return new EngineError(kind, message ?? `${verb} of ${subject} failed`, hint);
}

function addressOf(engine: FakeEngine, ref: InstanceRef): string {
  const hosts = engine.inventory().flatMap(({ dataCenters }) => dataCenters.flatMap((center) => center.hosts));
  const host = hosts.find(({ id }) => id === ref.host);
  if (!host) throw new EngineError('permanent', `there is no host ${ref.host}`);
  return host.address;
}

/** Whether a password opens a SCRAM-SHA-256 verifier (RFC 5803). */
export function opens(verifier: string, password: string): boolean {
  const [, rounds, salt, storedKey] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? [];
  if (!rounds || !salt || !storedKey) return false;
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256');
  const key = createHash('sha256').update(createHmac('sha256', salted).update('Client Key').digest()).digest();
  return timingSafeEqual(key, Buffer.from(storedKey, 'base64'));
}
