import type { Engine, InventoryRegion } from '../ports.js';
import { asEngineError } from './machine/engine-failure.js';
import type { FleetDescription } from './fleet/fleet-description.js';
import { roomFinder } from './find-rooms.js';
import { surveyFleet } from './survey-fleet.js';
import type { ConfiguredSite } from '../../config/backup-sites.js';
import { LocalBackups, openBackupSites } from './backups/local-backups.js';
import { LocalGateway } from './gateway/local-gateway.js';
import { findLocales } from './machine/find-locales.js';
import { LocalInstances } from './instances/local-instances.js';
import { LocalMetadataBackups } from './metadata/metadata-backups.js';
import { LocalFleet, type LocalFleetOptions } from './fleet/local-fleet.js';

/** Opens the embedded data plane: real PostgreSQL and PgBouncer as processes of this machine. */
export async function openLocalEngine(options: LocalFleetOptions & { readonly backupSites?: readonly ConfiguredSite[] }): Promise<Engine> {
  const fleet = await LocalFleet.open(options);
  const inventory = toInventory(fleet.description);
  const instances = new LocalInstances(fleet);
  return {
    style: 'drives',
    instances,
    backups: await LocalBackups.open(fleet, options.backupSites),
    metadataBackups: new LocalMetadataBackups(fleet, await openBackupSites(fleet, options.backupSites)),
    gateway: await LocalGateway.open(fleet),
    survey: (known) => asEngineError('looking at the fleet', () => surveyFleet(fleet, known)),
    locales: () => asEngineError('asking for locales', () => findLocales(fleet.shell, fleet.postgres.forNew())),
    rooms: roomFinder(fleet),
    inventory: () => inventory,
    // Watches are all that is held open between two verbs.
    close: () => instances.close(),
  };
}

function toInventory(fleet: FleetDescription): readonly InventoryRegion[] {
  const encryptedAtRest = fleet.atRest.encryption;
  return fleet.regions.map(({ id, name, timeZone, dataCenters }) => ({
    id, name, timeZone,
    dataCenters: dataCenters.map((center) => ({ ...center, hosts: center.hosts.map((host) => ({ ...host, encryptedAtRest })) })),
  }));
}
