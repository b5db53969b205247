import type { FoundInstance, FoundRoute, Survey } from '../survey-port.js';
import { readRoute, routeDirectory } from './gateway/route-file.js';
import { gatewayPaths } from './gateway/gateway-layout.js';
import { newestTimeline } from './instances/files/timeline-history.js';
import type { LocalFleet } from './fleet/local-fleet.js';
import { reasonOf } from '../../base/reason-of.js';
import type { DatabaseSpec } from '../ports.js';
import { isClosed, openVolume } from './fleet/instance-volume.js';
import { findPostmaster, instanceContext } from './fleet/instance-context.js';
import { instancePaths, listInstances, type InstanceName } from './fleet/instance-layout.js';

const DATABASE_ID = /^db_[a-z0-9]+$/;
const INSTANCE_ID = /^ins_[a-z0-9]+$/;

/** Looks at the files and processes of every host and gateway. Volumes of known databases are opened for that; nothing else is changed. */
export async function surveyFleet(fleet: LocalFleet, known: readonly DatabaseSpec[]): Promise<Survey> {
  const hosts = fleet.description.regions.flatMap(({ dataCenters }) => dataCenters.flatMap((center) => center.hosts));
  await Promise.all(hosts.map((host) => openKnown(fleet, host.id, new Map(known.map((database) => [database.id, database])))));
  const instances = await Promise.all(hosts.map((host) => surveyHost(fleet, host)));
  const routes = await Promise.all(fleet.description.regions.map(({ id }) => surveyGateway(fleet, id)));
  return { instances: instances.flat(), routes: routes.flat() };
}

const OPEN_WITHIN_MS = 30_000;

async function openKnown(fleet: LocalFleet, host: string, known: ReadonlyMap<string, DatabaseSpec>): Promise<void> {
  for (const { id, database } of await listInstances(fleet.root, host, fleet.shell.list)) {
    const spec = known.get(database.id);
    if (!spec) continue;
    await openVolume(instanceContext(fleet, { id, host, database: spec }), AbortSignal.timeout(OPEN_WITHIN_MS)).catch((error: unknown) =>
      fleet.log.warn({ instanceId: id }, `its volume could not be opened: ${reasonOf(error)}`));
  }
}

async function surveyHost(fleet: LocalFleet, host: { readonly id: string; readonly address: string }): Promise<FoundInstance[]> {
  const found: FoundInstance[] = [];
  for (const instance of await listInstances(fleet.root, host.id, fleet.shell.list)) {
    if (DATABASE_ID.test(instance.database.id) && INSTANCE_ID.test(instance.id)) {
      found.push(await surveyInstance(fleet, host.address, instance));
    }
  }
  return found;
}

async function surveyInstance(fleet: LocalFleet, address: string, instance: InstanceName): Promise<FoundInstance> {
  const { shell } = fleet;
  const paths = instancePaths(fleet.root, instance);
  const [token, wasMade, isComplete, closed, marked, standby, port, wal, postmaster] = await Promise.all([
    shell.storedToken(paths.control), shell.exists(paths.made), shell.exists(`${paths.data}/PG_VERSION`), isClosed({ shell, paths }),
    shell.exists(paths.mark),
    shell.exists(`${paths.data}/standby.signal`), shell.read(paths.port), shell.list(`${paths.data}/pg_wal`),
    findPostmaster({ shell, paths }),
  ]);
  return {
    id: instance.id, databaseId: instance.database.id, hostId: instance.host, account: await accountNumber(fleet, paths.home), address,
    port: Number(port) || null, token, made: (wasMade && isComplete) || closed, marked, role: standby ? 'standby' : 'primary',
    running: postmaster !== undefined, timeline: newestTimeline(wal),
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
    const [token, file] = await Promise.all([
      fleet.shell.storedToken(routeDirectory(routes, databaseId)), readRoute(fleet.shell, routes, databaseId),
    ]);
    if (!file) return { databaseId, region, token };
    const { open, target, ownerVerifier, allowList } = file;
    return { databaseId, region, token, leads: { open, ...target, ownerVerifier, allowList } };
  }));
}
