import { EngineError } from '../../errors.js';
import type { DatabaseSpec, Effect, EndpointProof, GatewayPort, InstanceRef, RegionEndpoint, Route } from '../../ports.js';
import { asEngineError } from '../engine-failure.js';
import { gatewayHosts } from '../fleet/prepare-fleet.js';
import { quote } from '../host-shell/gate-script.js';
import type { GateSubject } from '../host-shell/gate.js';
import { AT_ONCE_MS } from '../host-shell/host-shell.js';
import type { LocalFleet } from '../local-fleet.js';
import { showRoutes, withConsole } from './admin-console.js';
import { closeRoute } from './close-route.js';
import { GatewayProcess } from './gateway-process.js';
import { killRoutes } from './hold-route.js';
import { pauseRoute } from './pause-route.js';
import { readRoutes, refuseClash, routeContent, routeDirectory, routeNames, routePath, type RouteFile } from './route-file.js';
import { RouteOpener } from './route-opener.js';
import { verifyEndpoint } from './verify-endpoint.js';

const DEBIAN_PROGRAM = '/usr/sbin/pgbouncer';

/** One PgBouncer per region, in front of all its databases. */
export class LocalGateway implements GatewayPort {
  private readonly gateways = new Map<string, { readonly process: GatewayProcess; readonly opener: RouteOpener }>();

  private constructor(
    private readonly fleet: LocalFleet,
    program: string,
  ) {
    for (const { id } of fleet.description.regions) {
      const process = new GatewayProcess(fleet, program, id);
      this.gateways.set(id, { process, opener: new RouteOpener(process) });
    }
  }

  /** @throws EngineError `permanent` if PgBouncer is not installed. */
  static async open(fleet: LocalFleet): Promise<LocalGateway> {
    if (await fleet.shell.exists(DEBIAN_PROGRAM)) return new LocalGateway(fleet, DEBIAN_PROGRAM);
    const { code, stdout } = await fleet.shell.run(['/bin/sh', '-c', 'command -v pgbouncer']);
    if (code !== 0) throw new EngineError('permanent', 'pgbouncer is not installed', 'apt-get install pgbouncer');
    return new LocalGateway(fleet, stdout.trim());
  }

  endpoint(regionId: string): RegionEndpoint {
    const region = this.fleet.region(regionId);
    const [host = region.gateway.address] = gatewayHosts(this.fleet.description, region);
    return { host, port: region.gateway.port, rootCertificatePath: this.fleet.publicAuthorityPath(regionId) };
  }

  certificateAuthority(regionId: string): Promise<string> {
    return asEngineError('reading the certificate authority', () => this.fleet.authorityCertificate(regionId));
  }

  open(route: Route, effect: Effect): Promise<void> {
    return this.effect('opening the route', route.database, effect, async (gateway, subject) => {
      const { shell, paths } = gateway;
      const file = toRouteFile(route);
      refuseClash(file, await readRoutes(shell, paths.routes));
      await shell.fenced(subject, effect.signal, (gate) => gate.install([routeContent(paths.routes, file)]), AT_ONCE_MS);
      await this.of(route.database.region).opener.open(file, subject, effect.signal);
    });
  }

  close(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.effect('closing the route', database, effect, (gateway, subject) => closeRoute(this.fleet, gateway, subject, database, effect.signal));
  }

  pause(database: DatabaseSpec, limitMs: number, effect: Effect): Promise<void> {
    return this.effect('pausing the route', database, effect, (gateway, subject) => pauseRoute(this.fleet, gateway, subject, database, limitMs, effect.signal));
  }

  remove(database: DatabaseSpec, effect: Effect): Promise<void> {
    return this.effect('removing the route', database, effect, async (gateway, subject) => {
      const { shell, paths } = gateway;
      await shell.fenced(subject, effect.signal, async (route) => {
        await route.must(`rm -f -- ${quote(routePath(paths.routes, database.id))} && sync ${quote(subject.directory)}`, 'removing the route');
        // Without routes and without a process there is nobody to cut, and nothing to start for.
        if (!(await gateway.find())) return;
        await withConsole(await gateway.console(), effect.signal, async (console) => {
          const known = await showRoutes(console);
          const names = routeNames(database.name).filter((name) => known.some((route) => route.name === name));
          if (names.length > 0) await killRoutes({ gateway, route, console, signal: effect.signal }, names);
        });
        await gateway.locked(effect.signal, (gate) => gateway.apply(gate, effect.signal));
      });
    });
  }

  verify(route: Route, password: string, standbys: readonly InstanceRef[], effect: Effect): Promise<EndpointProof> {
    return this.effect('verifying the endpoint', route.database, effect, async (gateway, subject) => {
      await gateway.shell.refuseOlder(subject);
      return verifyEndpoint(this.fleet, route, password, standbys, effect);
    });
  }

  keep(region: string, signal: AbortSignal): Promise<{ started: boolean }> {
    return asEngineError(`keeping the gateway of ${region}`, async () => {
      await this.fleet.keepPublished();
      const gateway = this.of(region).process;
      await gateway.boundLog();
      const seen = await gateway.find();
      if (seen && (await gateway.serves(seen, signal))) return { started: false };
      return gateway.locked(signal, async (gate) => {
        const process = await gateway.find();
        // Another process than the one that was seen: somebody else was faster.
        if (process && process.startTicks !== seen?.startTicks && (await gateway.serves(process, signal))) return { started: false };
        // It lives and serves nobody: a restart costs its clients a reconnection, which is what they are waiting for.
        if (process) await gateway.kill(gate, process, signal);
        const { started } = await gateway.apply(gate, signal);
        return { started };
      });
    });
  }

  private of(regionId: string): { readonly process: GatewayProcess; readonly opener: RouteOpener } {
    const gateway = this.gateways.get(regionId);
    if (!gateway) throw new EngineError('permanent', `there is no region "${regionId}"`, 'see the inventory');
    return gateway;
  }

  private effect<T>(what: string, database: DatabaseSpec, effect: Effect, act: (gateway: GatewayProcess, subject: GateSubject) => Promise<T>): Promise<T> {
    this.fleet.log.debug({ ...effect.trace, databaseId: database.id, token: effect.token.toString() }, what);
    return asEngineError(`${what} of ${database.id}`, async () => {
      const gateway = this.of(database.region).process;
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(database.id)) throw new EngineError('permanent', `"${database.id}" is not an id`);
      const directory = routeDirectory(gateway.paths.routes, database.id);
      return act(gateway, { directory, token: effect.token, name: `the route of ${database.id}` });
    });
  }
}

const PLAIN_NAME = /^[a-z0-9_][a-z0-9_-]{0,62}$/;

function toRouteFile({ database, target }: Route): RouteFile {
  for (const name of [database.name, database.owner]) {
    if (!PLAIN_NAME.test(name)) throw new EngineError('permanent', `"${name}" cannot be a name at the gateway`, 'use lower-case letters, digits, - and _');
  }
  return {
    databaseId: database.id,
    name: database.name,
    owner: database.owner,
    ownerVerifier: database.ownerVerifier,
    address: target.address,
    port: target.port,
    maxConnections: database.size.maxConnections,
    open: true,
  };
}
