import { EngineError } from '../../errors.js';
import type {
  DatabaseEndpoint,
  DatabaseSpec,
  Effect,
  EndpointProbe,
  EndpointProof,
  EndpointRefusals,
  EndpointSubject,
  GatewayPort,
  InstanceRef,
  KeptGateway,
  RefusalCount,
  RestrictedRoute,
  Route,
  RouteObservation,
} from '../../ports.js';
import { asEngineError } from '../machine/engine-failure.js';
import { endpointHosts, endpointPorts } from '../fleet/fleet-description.js';
import { PublicCertificateWatch } from '../fleet/public-certificate-watch.js';
import type { GateSubject } from '../machine/gate.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { closeRoute } from './close-route.js';
import { findPooler, findRouter } from './gateway-programs.js';
import { CertificateKeeper } from './keep-certificates.js';
import { keepPoolers, routesToKeep } from './keep-poolers.js';
import { addStrangers, countRefusals } from './count-refusals.js';
import { openRoute } from './open-route.js';
import { pauseRoute } from './pause-route.js';
import { probeEndpoint } from './probe-endpoint.js';
import { RegionGateway } from './region-gateway.js';
import { removeRoute } from './remove-route.js';
import { restrictRoute } from './restrict-route.js';
import { verifyEndpoint } from './verify-endpoint.js';

/** One router per region, HAProxy, and one pooler per database, PgBouncer. */
export class LocalGateway implements GatewayPort {
  private readonly gateways: ReadonlyMap<string, RegionGateway>;
  private readonly certificates: ReadonlyMap<string, CertificateKeeper>;
  private readonly publicCertificate: PublicCertificateWatch;

  private constructor(
    private readonly fleet: LocalFleet,
    programs: { readonly router: string; readonly pooler: string },
  ) {
    this.gateways = new Map(fleet.description.regions.map(({ id }) => [id, new RegionGateway(fleet, id, programs)]));
    this.certificates = new Map([...this.gateways].map(([id, gateway]) => [id, new CertificateKeeper(fleet, gateway)]));
    this.publicCertificate = new PublicCertificateWatch(fleet);
  }

  /** @throws EngineError `permanent` if HAProxy or PgBouncer is missing, or too old. */
  static async open(fleet: LocalFleet): Promise<LocalGateway> {
    const [router, pooler] = await Promise.all([findRouter(fleet.shell), findPooler(fleet.shell)]);
    for (const fault of [...router.faults, ...pooler.faults]) fleet.log.warn({}, fault);
    return new LocalGateway(fleet, { router: router.path, pooler: pooler.path });
  }

  endpoint({ id, region: regionId, endpointSlot }: EndpointSubject): DatabaseEndpoint {
    const region = this.fleet.region(regionId);
    const { session, pooled, readOnly } = endpointPorts(region, endpointSlot);
    const [host] = endpointHosts(this.fleet.description, region, id);
    return {
      host,
      port: session,
      pooledPort: pooled,
      readOnlyPort: readOnly,
      rootCertificatePath: this.fleet.publicAuthorityPath(regionId),
    };
  }

  slots(region: string): number {
    return this.fleet.region(region).gateway.slots;
  }

  observe({ id, region }: EndpointSubject): Promise<RouteObservation> {
    return asEngineError(`observing the route of ${id}`, async () => {
      const file = await this.of(region).readRoute(id);
      return file ? { state: file.open ? 'open' : 'held', target: file.target } : { state: 'absent' };
    });
  }

  certificateAuthority(regionId: string): Promise<string> {
    return asEngineError('reading the certificate authority', () => this.fleet.authorityCertificate(regionId));
  }

  open(route: Route, effect: Effect): Promise<void> {
    return this.effect('opening the route', route.database, effect, (gateway, subject) => openRoute(gateway, subject, route, effect));
  }

  close(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.effect('closing the route', database, effect, (gateway, subject) => closeRoute(gateway, subject, database, effect));
  }

  pause(database: DatabaseSpec, limitMs: number, effect: Effect): Promise<void> {
    return this.effect('pausing the route', database, effect, (gateway, subject) =>
      pauseRoute(gateway, subject, database, limitMs, effect),
    );
  }

  restrict(database: DatabaseSpec, effect: Effect): Promise<RestrictedRoute> {
    return this.effect('restricting the route', database, effect, (gateway, subject) => restrictRoute(gateway, subject, database, effect));
  }

  remove(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.effect('removing the route', database, effect, (gateway, subject) => removeRoute(gateway, subject, database, effect));
  }

  verify(route: Route, password: string, standbys: readonly InstanceRef[], effect: Effect): Promise<EndpointProof> {
    return this.effect('verifying the endpoint', route.database, effect, async (gateway, subject) => {
      await gateway.shell.refuseOlder(subject);
      return verifyEndpoint(this.fleet, this.endpoint(route.database), route, password, standbys, effect);
    });
  }

  probe(database: DatabaseSpec, { write }: { readonly write: boolean }, signal: AbortSignal): Promise<EndpointProbe> {
    return asEngineError(`probing the endpoint of ${database.id}`, () => (
      probeEndpoint(this.fleet, this.endpoint(database), database, write, signal)));
  }

  keep(region: string, signal: AbortSignal): Promise<KeptGateway> {
    return asEngineError(`keeping the gateway of ${region}`, async () => {
      await Promise.all([this.fleet.keepPublished(), this.publicCertificate.look()]);
      const gateway = this.of(region);
      await gateway.router.boundLog();
      const routes = await routesToKeep(gateway);
      // Without a route nobody can come.
      const router = routes?.length === 0 ? undefined : (await gateway.startRouter(signal)) ? 'started' : 'running';
      const kept = await keepPoolers(gateway, routes, signal);
      await this.certificates.get(region)?.keep(signal);
      const { trouble: certificate } = this.publicCertificate;
      return { ...kept, certificate, ...(router ? { [router]: ['router', ...kept[router]] } : {}) };
    });
  }

  refusals(region: string, signal: AbortSignal): Promise<readonly RefusalCount[]> {
    return asEngineError(`counting what the gateway of ${region} refuses`, async () => {
      const gateway = this.of(region);
      if (!(await gateway.router.find())) return [];
      const [ports, routes] = await Promise.all([gateway.router.refusals(signal), gateway.readRoutes()]);
      return countRefusals(ports, new Map(routes.flatMap((file) => gateway.routerPorts(file).map((port) => [port, file.databaseId]))));
    });
  }

  refusalsOf({ id, region }: EndpointSubject, signal: AbortSignal): Promise<EndpointRefusals> {
    return asEngineError(`counting what clients of ${id} are refused for`, async () => {
      const gateway = this.of(region);
      const { router } = gateway;
      const [process, counted, file] = await Promise.all([router.find(), this.refusals(region, signal), gateway.readRoute(id)]);
      if (!process) return { since: null, refusals: [] };
      const [since, last, strangers] = await Promise.all([
        router.startedAt(), router.lastRefusals(id), file && gateway.poolerOf(file).strangers(),
      ]);
      const own = counted.filter(({ databaseId }) => databaseId === id);
      const routed = own.map(({ reason, count }) => ({ reason, count, last: last.get(reason) ?? null }));
      return { since: since?.toISOString() ?? null, refusals: addStrangers(routed, strangers) };
    });
  }

  private of(regionId: string): RegionGateway {
    const gateway = this.gateways.get(regionId);
    if (!gateway) throw new EngineError('permanent', `there is no region "${regionId}"`, 'see the inventory');
    return gateway;
  }

  private effect<T>(
    what: string,
    database: DatabaseSpec,
    effect: Effect,
    act: (gateway: RegionGateway, subject: GateSubject) => Promise<T>,
  ): Promise<T> {
    this.fleet.log.debug({ ...effect.trace, databaseId: database.id, token: effect.token.toString() }, what);
    return asEngineError(`${what} of ${database.id}`, async () => {
      const gateway = this.of(database.region);
      return act(gateway, gateway.subjectOf(database.id, effect.token));
    });
  }
}
