import { admitsEverybody } from '../../allow-list.js';
import { EngineError } from '../../errors.js';
import { endpointPorts, type RegionDescription } from '../fleet/fleet-description.js';
import { gatewaysDirectory } from '../fleet/fleet-layout.js';
import type { Gate, GateSubject } from '../machine/gate.js';
import type { HostShell } from '../machine/host-shell.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { requireId } from '../../require-id.js';
import { gatewayPaths, type GatewayPaths } from './gateway-layout.js';
import { Pooler } from './pooler/pooler-process.js';
import { readRoute, readRoutes, routeDirectory, type RouteFile } from './route-file.js';
import type { RouterEntry } from './router/router-entry.js';
import { Router, type RecordedRoutes } from './router/router-process.js';

/** Connections that the router lets through for each that PostgreSQL allows: PostgreSQL tells its clients why it refuses one. */
const ROUTED_PER_CONNECTION = 2;

/** Nobody is starting it any more, and it has been asked once: what serves answers at once. */
export const AT_REST_WITHIN_MS = 1_000;

/** What carries one region's routes: the router, and what is written down of each route. */
export class RegionGateway {
  readonly paths: GatewayPaths;
  readonly shell: HostShell;
  readonly region: RegionDescription;
  readonly router: Router;
  /** By database, with what of its route it was made for. */
  private readonly poolers = new Map<string, { readonly madeFor: string; readonly pooler: Pooler }>();
  /** When all routes were read last, by the clock of `performance.now()`. */
  private readAt = -Infinity;

  constructor(
    readonly fleet: LocalFleet, regionId: string, private readonly programs: { readonly router: string; readonly pooler: string },
  ) {
    this.region = fleet.region(regionId);
    this.paths = gatewayPaths(fleet, regionId);
    this.shell = fleet.shell.at(gatewaysDirectory(fleet.root));
    const { address, firstPort, slots, account } = this.region.gateway;
    this.router = new Router({
      shell: this.shell, program: programs.router, regionId, directory: this.paths.router, socketDirectory: this.paths.socketDirectory,
      account: fleet.account(account), listenAddresses: this.listenAddresses, sourceAddress: address, firstPort, slots,
    });
  }

  get listenAddresses(): readonly string[] {
    if (this.fleet.description.publicHost === null) return [this.region.gateway.address];
    return ['0.0.0.0', ...(this.fleet.hasIpv6 ? ['::'] : [])];
  }

  /** Holds the lock under which the router is started. */
  locked<T>(signal: AbortSignal, body: (gate: Gate) => Promise<T>): Promise<T> {
    return this.shell.fenced({ directory: this.paths.control, name: `the gateway of ${this.region.id}` }, signal, body);
  }

  /** What a route's lock and token are kept by. */
  subjectOf(databaseId: string, token: bigint): GateSubject {
    requireId(databaseId);
    return { directory: routeDirectory(this.paths.routes, databaseId), token, name: `the route of ${databaseId}` };
  }

  readRoute(databaseId: string): Promise<RouteFile | undefined> {
    return readRoute(this.shell, this.paths.routes, databaseId);
  }

  readRoutes(): Promise<RouteFile[]> {
    return readRoutes(this.shell, this.paths.routes);
  }

  /**
   * Two databases may have no port in common. One that has its endpoint already was looked at when it was given it: clients wait
   * while it is opened again.
   *
   * @throws EngineError `permanent`
   */
  async refuseClash(file: RouteFile): Promise<void> {
    if (file.slot >= this.region.gateway.slots)
      throw new EngineError(
        'permanent',
        `${this.region.id} has no endpoint ${file.slot}`,
        `they count from 0 to ${this.region.gateway.slots - 1}`,
      );
    if ((await this.readRoute(file.databaseId))?.slot === file.slot) return;
    const other = (await this.readRoutes()).find(({ databaseId, slot }) => slot === file.slot && databaseId !== file.databaseId);
    if (other)
      throw new EngineError(
        'permanent',
        `the endpoint ${file.slot} of ${this.region.id} belongs to another database`,
        'give the database another one',
      );
  }

  /** The pooler of a route's database. */
  poolerOf(file: Pick<RouteFile, 'databaseId' | 'account' | 'slot' | 'maxConnections' | 'allowList'>): Pooler {
    const { databaseId, account, slot, maxConnections } = file;
    const networks = this.networksOf(file);
    const madeFor = [account, slot, maxConnections, networks?.join(',') ?? 'any'].join(' ');
    const known = this.poolers.get(databaseId);
    if (known?.madeFor === madeFor) return known.pooler;
    const pooler = new Pooler(this.fleet, {
      program: this.programs.pooler, database: { id: databaseId, region: this.region.id, account, maxConnections, networks },
      listenAddress: this.listenAddresses.join(','), port: endpointPorts(this.region, slot).pooled,
    });
    this.poolers.set(databaseId, { madeFor, pooler });
    return pooler;
  }

  /** Whether the routes were read since then, and every pooler that was found for them is at work. */
  havePoolersSince(time: number): boolean {
    return this.readAt > time && [...this.poolers.values()].every(({ pooler }) => pooler.isThere());
  }

  /** Databases whose poolers are known here. */
  get pooledDatabases(): string[] {
    return [...this.poolers.keys()];
  }

  /** Forgets the poolers of routes that are gone, whoever removed them. */
  forgetPoolersBut(routes: readonly RouteFile[]): void {
    const kept = new Set(routes.map(({ databaseId }) => databaseId));
    for (const databaseId of this.poolers.keys()) if (!kept.has(databaseId)) this.poolers.delete(databaseId);
    this.readAt = performance.now();
  }

  /** Forgets what was known of a pooler that is gone. */
  forgetPooler(databaseId: string): void {
    this.poolers.delete(databaseId);
  }

  /**
   * Networks from which clients of a route are let in; null for all. The control plane proves a database through its endpoint, and
   * comes from the gateway's own address, which no other machine can have.
   */
  networksOf({ allowList }: Pick<RouteFile, 'allowList'>): readonly string[] | null {
    return admitsEverybody(allowList) ? null : [...allowList, `${this.region.gateway.address}/32`];
  }

  /** The router's ports of a route: for sessions, and for those that only read. */
  routerPorts({ slot }: Pick<RouteFile, 'slot'>): [session: number, readOnly: number] {
    const { session, readOnly } = endpointPorts(this.region, slot);
    return [session, readOnly];
  }

  /**
   * Makes the router lead a route as it is written down, under the route's lock; a router that is not there is started, and
   * reads what is written down.
   */
  async tell(file: RouteFile, signal: AbortSignal): Promise<void> {
    const entries = this.entriesOf(file);
    try {
      await this.router.set(entries, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || error.kind !== 'transient' || signal.aborted) throw error;
      await this.startRouter(signal);
      await this.router.set(entries, signal);
    }
  }

  /** Starts the router if it does not run, or does not serve; answers whether it had to. */
  async startRouter(signal: AbortSignal): Promise<boolean> {
    const seen = await this.router.find();
    if (seen && (await this.router.serves(seen, signal))) return false;
    return this.locked(signal, async (gate) => {
      const process = await this.router.find();
      // Somebody else was faster; what was seen may have been just that start, of the same process.
      if (process && (await this.router.serves(process, signal, AT_REST_WITHIN_MS))) return false;
      // It lives and serves nobody: a restart costs its clients a reconnection, which is what they are waiting for.
      if (process) await this.router.kill(gate, process, signal);
      const { busyPorts } = await this.router.start(gate, () => this.record(), signal);
      if (busyPorts.length > 0)
        this.fleet.log.warn(
          { region: this.region.id, ports: busyPorts },
          'other programs listen on ports of the gateway: endpoints there do not work',
        );
      return true;
    });
  }

  private async record(): Promise<RecordedRoutes> {
    const ids = await this.shell.list(this.paths.routes);
    const found = await Promise.all(
      ids.map(async (databaseId) => ({
        databaseId,
        file: await this.readRoute(databaseId),
        token: await this.shell.storedToken(routeDirectory(this.paths.routes, databaseId)),
      })),
    );
    return {
      entries: found.flatMap(({ file }) => (file ? this.entriesOf(file) : [])),
      removed: found.flatMap(({ databaseId, file, token }) => (file ? [] : [{ databaseId, token }])),
    };
  }

  private entriesOf(file: RouteFile): RouterEntry[] {
    const [session, readOnly] = this.routerPorts(file);
    const common = {
      databaseId: file.databaseId, token: BigInt(file.token), state: file.open ? 'open' as const : 'held' as const,
      mostConnections: file.maxConnections * ROUTED_PER_CONNECTION, allow: this.networksOf(file),
    };
    return [
      { ...common, port: session, targets: [file.target] },
      { ...common, port: readOnly, targets: file.readers.length > 0 ? file.readers : [file.target] },
    ];
  }
}
