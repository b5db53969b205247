import type { FoundInstance, FoundRoute, Survey } from '../survey-port.js';
import { readRoute, routeDirectory } from './gateway/route-file.js';
import { gatewayPaths } from './gateway/gateway-layout.js';
import { newestTimeline } from './instances/files/timeline-history.js';
import type { LocalFleet } from './fleet/local-fleet.js';
import { hostDirectory } from './fleet/fleet-layout.js';

const DATABASE_ID = /^db_[a-z0-9]+$/;
const INSTANCE_ID = /^ins_[a-z0-9]+$/;

/** Looks at the files and processes of every host and gateway. It needs no secret, and changes nothing. */
export async function surveyFleet(fleet: LocalFleet): Promise<Survey> {
  const hosts = fleet.description.regions.flatMap(({ dataCenters }) => dataCenters.flatMap((center) => center.hosts));
  const instances = await Promise.all(hosts.map((host) => surveyHost(fleet, host)));
  const routes = await Promise.all(fleet.description.regions.map(({ id }) => surveyGateway(fleet, id)));
  return { instances: instances.flat(), routes: routes.flat() };
}

async function surveyHost(fleet: LocalFleet, host: { readonly id: string; readonly address: string }): Promise<FoundInstance[]> {
  const directory = hostDirectory(fleet.root, host.id);
  const found: FoundInstance[] = [];
  for (const databaseId of (await fleet.shell.list(directory)).filter((name) => DATABASE_ID.test(name))) {
    for (const id of (await fleet.shell.list(`${directory}/${databaseId}`)).filter((name) => INSTANCE_ID.test(name))) {
      found.push(await surveyInstance(fleet, host, databaseId, id));
    }
  }
  return found;
}

async function surveyInstance(fleet: LocalFleet, host: { readonly id: string; readonly address: string }, databaseId: string, id: string): Promise<FoundInstance> {
  const { shell } = fleet;
  const control = `${hostDirectory(fleet.root, host.id)}/${databaseId}/${id}`;
  const home = `${hostDirectory(fleet.root, host.id)}/${databaseId}/volume/${id}`;
  const data = `${home}/data`;
  const [token, made, marked, standby, port, wal, pid] = await Promise.all([
    shell.storedToken(control), shell.exists(`${home}/made`), shell.exists(`${control}/mark`), shell.exists(`${data}/standby.signal`), shell.read(`${control}/port`),
    shell.list(`${data}/pg_wal`), shell.read(`${data}/postmaster.pid`),
  ]);
  const process = shell.readProcess(Math.abs(Number(pid?.split('\n')[0] ?? 0)));
  return {
    id, databaseId, hostId: host.id, account: await accountNumber(fleet, home), address: host.address, port: Number(port) || null, token,
    made: made && (await shell.exists(`${data}/PG_VERSION`)), marked, role: standby ? 'standby' : 'primary',
    running: process !== undefined && shell.worksIn(process.pid, data), timeline: newestTimeline(wal),
  };
}

async function accountNumber({ shell, description }: LocalFleet, home: string): Promise<number | null> {
  if (description.firstAccount === null || !(await shell.exists(home))) return null;
  const { stdout } = await shell.run(['stat', '--format=%u', '--', home]);
  return Number(stdout.trim()) - description.firstAccount;
}

async function surveyGateway(fleet: LocalFleet, region: string): Promise<FoundRoute[]> {
  const { routes } = gatewayPaths(fleet, region);
  const ids = (await fleet.shell.list(routes)).filter((name) => DATABASE_ID.test(name));
  return Promise.all(ids.map(async (databaseId) => {
    const [token, file] = await Promise.all([fleet.shell.storedToken(routeDirectory(routes, databaseId)), readRoute(fleet.shell, routes, databaseId)]);
    return { databaseId, region, token, ...(file && { leads: { open: file.open, ...file.target, ownerVerifier: file.ownerVerifier } }) };
  }));
}
