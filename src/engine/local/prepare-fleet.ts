import { isFull } from '../disk-floor.js';
import { EngineError } from '../errors.js';
import type { SecretVault } from '../collaborators.js';
import { HostShell } from './machine/host-shell.js';
import {
  type AtRest, adjustFleet, describeFleet, drawNetwork, gatewayAddress, REGION_COUNT, type FleetDescription, type PublicCertificateFiles,
  type RegionDescription,
} from './fleet/fleet-description.js';
import { EMBEDDED_SITES } from './fleet/embedded-sites.js';
import {
  accountOf,
  backupsDirectory,
  gatewayDirectory,
  gatewaySocketDirectory,
  gatewaysDirectory,
  hostDirectory,
  hostsDirectory,
  regionsDirectory,
  siteDirectory,
  siteMarker,
  sitesDirectory,
  workDirectory,
} from './fleet/fleet-layout.js';
import { currentRuntimeRoot, openRuntimeRoot, readFleet, refuseOtherKindOfUser, writeFleet } from './fleet/fleet-store.js';
import { chooseFirstPorts, DEFAULT_SLOTS, PORTS_PER_DATABASE } from './fleet/gateway-ports.js';
import { whyMoved } from './fleet/why-moved.js';
import { acceptPublicCertificate, requirePublicCertificate } from './fleet/public-certificate-store.js';
import { probeVolumes } from './fleet/volumes.js';
import { EVERYWHERE, portsTakenAt, readListeners } from './fleet/listeners.js';
import { makeAuthority } from './fleet/region-authority.js';
import { metadataServerSettings, type MetadataServerSettings } from './metadata/metadata-settings.js';

export interface PrepareOptions {
  readonly dataDir: string;
  /** The name by which clients on other machines reach this one. Gateways then listen on all its addresses. */
  readonly publicHost?: string | null;
  /** The first of the ports of a new fleet's gateways, whose ranges follow one another; drawn at random if left out. */
  readonly firstGatewayPort?: number;
  /** How many databases each gateway of a new fleet has ports for; {@link DEFAULT_SLOTS} if left out. */
  readonly gatewaySlots?: number;
  /** Memory that instances on each host may be promised, in MiB. */
  readonly hostMemoryMb?: number;
  /** A certificate that clients trust without being told whose it is, for the public host; null for the fleet's own again. */
  readonly publicCertificate?: PublicCertificateFiles | null;
  readonly vault: SecretVault;
  /** Whether the files of new instances are encrypted where this machine can. */
  readonly encryptsAtRest?: boolean;
  /** Told why the databases of a fleet that was there have other addresses than before, if they have. */
  readonly onMoved?: (reasons: readonly string[]) => void;
}

/** A fleet's description, and where its directory is to be reached. */
export interface PreparedFleet extends FleetDescription {
  /** The data directory by a path that every account may pass. */
  readonly root: string;
  /** What an embedded metadata server is to be started with. */
  readonly metadataServer: MetadataServerSettings;
}

const DEFAULT_HOST_MEMORY_MB = 65_536;

/**
 * Makes what is missing of a fleet and answers with its description; called again, it changes nothing.
 *
 * After a reboot it mounts again what was mounted. It starts neither instances nor gateways.
 *
 * @throws EngineError `permanent` if the directory cannot serve, or its secrets were sealed under another master key.
 */
export async function prepareLocalFleet(options: PrepareOptions): Promise<PreparedFleet> {
  if (!options.dataDir.startsWith('/')) {
    throw new EngineError('permanent', `the data directory ${options.dataDir} is not absolute`, 'give a path that begins with /');
  }
  const bare = HostShell.bare(options.dataDir);
  if (!(await bare.exists(options.dataDir))) await bare.ensureDirectory(options.dataDir, 0o711);
  const dataDir = await bare.realpath(options.dataDir);
  const shell = HostShell.bare(dataDir);
  const found = await readFleet(shell);
  if (found) refuseOtherKindOfUser(shell, found);
  const atRest = await findAtRest(shell, options, found?.atRest);
  const fleet = found
    ? await withPorts(shell, adjustFleet(found, { ...options, atRest }), options)
    : adjustFleet(await describeNewFleet(shell, options, atRest), options);
  const certificate = fleet.publicCertificate && (await requirePublicCertificate(shell, fleet.publicCertificate, fleet.publicHost));
  if (JSON.stringify(fleet) !== JSON.stringify(found)) await writeFleet(shell, fleet);
  const moved = found ? whyMoved(found, fleet) : [];
  if (moved.length > 0) options.onMoved?.(moved);
  if (shell.isRoot) await shell.chmod(dataDir, 0o711);
  const root = await openRuntimeRoot(dataDir, fleet);
  const fleetShell = await HostShell.open(root);
  await layOut(fleetShell, fleet);
  for (const region of fleet.regions) await prepareRegion(fleetShell, fleet, region, options.vault);
  if (certificate) await acceptPublicCertificate(fleetShell, fleet, certificate, options.vault);
  return { ...fleet, root, metadataServer: await metadataServerSettings(fleetShell, fleet.id) };
}

/** Tried anew at each start, since the fleet may have been moved to another machine; a disk that is full says nothing about that. */
async function findAtRest(shell: HostShell, { encryptsAtRest = false }: PrepareOptions, before: AtRest | undefined): Promise<AtRest> {
  if (!encryptsAtRest) return { encryption: 'none', because: 'FREEHOLD_ENCRYPTION is not on' };
  const room = await shell.roomAt(shell.root);
  return before?.encryption === 'fscrypt' && room && isFull(room) ? before : probeVolumes(shell);
}

async function describeNewFleet(shell: HostShell, options: PrepareOptions, atRest: AtRest): Promise<FleetDescription> {
  const slots = options.gatewaySlots ?? DEFAULT_SLOTS;
  const network = drawNetwork();
  return describeFleet({
    asRoot: shell.isRoot,
    publicHost: options.publicHost ?? null,
    hostMemoryMb: options.hostMemoryMb ?? DEFAULT_HOST_MEMORY_MB,
    firstPorts: await choosePorts(shell, { ...options, slots, network }),
    slots,
    network,
    atRest,
  });
}

/** Ports for the gateways of a fleet that was made before each endpoint had ports of its own; what served until then ends. */
async function withPorts(shell: HostShell, fleet: FleetDescription, options: PrepareOptions): Promise<FleetDescription> {
  if (fleet.regions.every(({ gateway }) => gateway.firstPort > 0)) return fleet;
  const slots = options.gatewaySlots ?? DEFAULT_SLOTS;
  const firstPorts = await choosePorts(shell, {
    firstGatewayPort: options.firstGatewayPort, publicHost: fleet.publicHost, slots, network: fleet.network,
  });
  await Promise.all(fleet.regions.map(({ id }) => retireGateway(shell, fleet, id)));
  return {
    ...fleet,
    regions: fleet.regions.map((region, index) => ({
      ...region, gateway: { ...region.gateway, firstPort: firstPorts[index] ?? 0, slots },
    })),
  };
}

/** Ends the PgBouncer that served a whole region, and removes what was its own; routes' tokens stay. */
async function retireGateway(shell: HostShell, fleet: FleetDescription, regionId: string): Promise<void> {
  const configured = `${gatewayDirectory(currentRuntimeRoot(shell.root, fleet), regionId)}/etc`;
  for (const process of shell.processesUnder([configured])) shell.signal(process, 'SIGKILL');
  // Where they are mounted elsewhere they may not be yet.
  for (const name of ['etc', 'pid', 'log', 'admin-password', 'shown']) {
    await shell.remove(`${gatewayDirectory(shell.root, regionId)}/${name}`);
  }
}

interface PortChoice {
  readonly firstGatewayPort?: number | undefined;
  readonly publicHost?: string | null;
  readonly slots: number;
  readonly network: number;
}

async function choosePorts(
  shell: HostShell, { firstGatewayPort: first, publicHost = null, slots, network }: PortChoice,
): Promise<number[]> {
  if (first !== undefined) return Array.from({ length: REGION_COUNT }, (_, region) => first + region * slots * PORTS_PER_DATABASE);
  const listeners = await readListeners(shell);
  // Gateways that other machines reach listen on every address, the others on one of their own.
  const addresses = publicHost === null ? Array.from({ length: REGION_COUNT }, (_, region) => gatewayAddress(network, region)) : EVERYWHERE;
  return chooseFirstPorts(REGION_COUNT, slots, portsTakenAt(listeners, addresses));
}

/** A few files for each database and site. */
const WORK_BYTES = 256 * 2 ** 20;

/** Configurations with cipher keys that an earlier version left on the disk; what instances still read beside them stays. */
async function removeConfigurations(shell: HostShell): Promise<void> {
  const backups = backupsDirectory(shell.root);
  for (const set of await shell.list(backups)) {
    for (const site of (await shell.list(`${backups}/${set}`)).filter((name) => name !== 'server')) {
      const directory = `${backups}/${set}/${site}`;
      for (const name of await shell.list(directory)) if (name.endsWith('.conf')) await shell.remove(`${directory}/${name}`);
    }
  }
}

async function layOut(shell: HostShell, fleet: FleetDescription): Promise<void> {
  for (const directory of [hostsDirectory(shell.root), gatewaysDirectory(shell.root), regionsDirectory(shell.root)]) {
    await shell.ensureDirectory(directory, 0o755);
  }
  await shell.ensureDirectory(backupsDirectory(shell.root), 0o711);
  await shell.keepInMemory(workDirectory(shell.root), 0o711, WORK_BYTES);
  await removeConfigurations(shell);
  await shell.ensureDirectory(sitesDirectory(shell.root), 0o711);
  await Promise.all(EMBEDDED_SITES.map((site) => layOutSite(shell, siteDirectory(shell.root, site.id))));
  const hosts = fleet.regions.flatMap((region) => region.dataCenters.flatMap((center) => center.hosts));
  await Promise.all(hosts.map((host) => shell.ensureDirectory(hostDirectory(shell.root, host.id), 0o711)));
}

/** A site whose machine was lost comes back empty. */
async function layOutSite(shell: HostShell, directory: string): Promise<void> {
  if (await shell.exists(siteMarker(directory))) return;
  await shell.ensureDirectory(`${directory}/sets`, 0o711);
  await shell.write({ path: siteMarker(directory), content: 'a backup site of Freehold\n', mode: 0o644 });
}

async function prepareRegion(shell: HostShell, fleet: FleetDescription, region: RegionDescription, vault: SecretVault): Promise<void> {
  await shell.ensureDirectory(`${regionsDirectory(shell.root)}/${region.id}`, 0o755);
  await makeAuthority(shell, fleet, region, vault);
  await prepareGateway(shell, fleet, region);
}

async function prepareGateway(shell: HostShell, fleet: FleetDescription, region: RegionDescription): Promise<void> {
  const directory = gatewayDirectory(shell.root, region.id);
  const owner = accountOf(fleet, region.gateway.account);
  await shell.ensureDirectory(directory, 0o711);
  await shell.ensureDirectory(`${directory}/routes`, 0o700);
  await shell.ensureDirectory(`${directory}/poolers`, 0o711);
  await shell.ensureDirectory(gatewaySocketDirectory(shell.root, region.gateway.account), 0o700, owner);
}
