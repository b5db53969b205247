import type { Account } from '../machine/files.js';
import type { FleetDescription } from './fleet-description.js';

/** Where everything of a fleet is, below its root: its directory, or the place where that is mounted. */
export const fleetFile = (root: string): string => `${root}/fleet.json`;
export const hostsDirectory = (root: string): string => `${root}/hosts`;
export const hostDirectory = (root: string, hostId: string): string => `${root}/hosts/${hostId}`;
export const gatewaysDirectory = (root: string): string => `${root}/gateways`;
export const gatewayDirectory = (root: string, regionId: string): string => `${root}/gateways/${regionId}`;
export const regionsDirectory = (root: string): string => `${root}/regions`;
export const authorityCertificatePath = (root: string, regionId: string): string => `${root}/regions/${regionId}/ca.pem`;
export const authorityKeyPath = (root: string, regionId: string): string => `${root}/regions/${regionId}/ca.key.sealed`;
/** The public certificate that was taken over last. */
export const publicCertificateDirectory = (root: string): string => `${root}/public`;
export const sitesDirectory = (root: string): string => `${root}/sites`;
/** A directory that stands for the machine at a backup site. */
export const siteDirectory = (root: string, siteId: string): string => `${root}/sites/${siteId}`;
/** Without it a directory is no site: what is mounted there is gone. */
export const siteMarker = (siteDirectory: string): string => `${siteDirectory}/freehold-site`;
/** What belongs to the archive of the metadata server, and locks. */
export const backupsDirectory = (root: string): string => `${root}/backups`;
/**
 * Configurations of what works at the sites, by database, with the cipher keys of backups and the credentials of sites: in memory
 * where root can have it so, since who has the disk may have the backups too. They are written again whenever one is missing.
 */
export const workDirectory = (root: string): string => `${root}/work`;
export const binDirectory = (root: string): string => `${root}/bin`;

/** Where the directory of a fleet is mounted if other users may not pass through its parents. */
export const mountPoint = (fleetId: string): string => `${MOUNTS}/${fleetId}`;
export const MOUNTS = '/run/freehold';

/** The Unix account behind a number of the fleet's range; undefined where everything runs as the current user. */
export function accountOf(fleet: FleetDescription, number: number): Account | undefined {
  if (fleet.firstAccount === null) return undefined;
  const uid = fleet.firstAccount + number;
  return { uid, gid: uid };
}

/** Short, whatever the region is called: a socket's path may have 107 bytes. */
export const socketsDirectory = (root: string): string => `${root}/run`;
export const gatewaySocketDirectory = (root: string, account: number): string => `${root}/run/${account}`;

/** What the control plane's own processes and servers write: their data, their logs. */
export const controlDirectory = (root: string): string => `${root}/control`;
/** The embedded metadata database, which `freehold up` keeps running, is PGDATA there. */
export const metadataDirectory = (root: string): string => `${root}/control/metadata`;
/** The metadata server's socket; only its own account may pass. */
export const metadataSocketDirectory = (root: string): string => `${root}/run/m`;
/** The socket of a server that proves a backup of the metadata. */
export const metadataProofSocket = (root: string): string => `${root}/run/mp`;
/** What the metadata's backups are called at the sites; sites may be shared by several fleets. */
export const metadataSetId = (fleetId: string): string => `metadata-${fleetId}`;
