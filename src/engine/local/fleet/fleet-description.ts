import { randomBytes, randomInt } from 'node:crypto';

import { z } from 'zod';

import { MOST_SLOTS } from './gateway-ports.js';

const hostSchema = z.object({
  /** `hst_…` */
  id: z.string(),
  address: z.ipv4(),
  storageId: z.string(),
  memoryMb: z.number().int().positive(),
});

const regionSchema = z.object({
  id: z.string(),
  name: z.string(),
  timeZone: z.string(),
  gateway: z.object({
    address: z.ipv4(),
    /** The first of its ports, see {@link gatewayPorts}; 0 until they are chosen for a fleet that was made before it had any. */
    firstPort: z.number().int().min(0).max(65_535).default(0),
    /** How many databases it has ports for. */
    slots: z.number().int().min(0).max(MOST_SLOTS).default(0),
    /** Its router's Unix account, counted from the start of the fleet's range. */
    account: z.number().int(),
  }),
  dataCenters: z.array(z.object({ id: z.string(), name: z.string(), hosts: z.array(hostSchema).min(2) })).min(2),
});

const publicCertificateSchema = z.object({
  /** Paths of the certificate with those between it and its authority, and of its key, PEM. */
  certificate: z.string(),
  key: z.string(),
  /** Path of the authorities that this machine trusts. */
  authorities: z.string(),
});

const atRestSchema = z.discriminatedUnion('encryption', [
  z.object({ encryption: z.literal('fscrypt') }),
  z.object({ encryption: z.literal('none'), because: z.string() }),
]);

/** Whether the files of new instances are encrypted, and why not if they are not. */
export type AtRest = z.output<typeof atRestSchema>;

/** Where the operator puts a certificate that clients trust without being told whose it is, and renews it. */
export type PublicCertificateFiles = z.output<typeof publicCertificateSchema>;

/** The embedded fleet as it is written to DIR/fleet.json. Only {@link describeFleet} makes one. */
export const fleetSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** First number of the fleet's own range of Unix accounts; null if it was made by an ordinary user, whose account serves all. */
  firstAccount: z.number().int().nullable(),
  /** The second octet of all the fleet's loopback addresses. */
  network: z.number().int().min(2).max(254),
  /** The name under which clients on other machines reach the gateways; null if they are reached on this one only. */
  publicHost: z.string().nullable(),
  /** Null if servers present certificates of the fleet's own authorities. */
  publicCertificate: publicCertificateSchema.nullable().default(null),
  /** As the last start of the fleet found it; all its hosts are one machine. */
  atRest: atRestSchema.default({ encryption: 'none', because: 'nobody has looked yet' }),
  regions: z.array(regionSchema).min(1),
});

export type FleetDescription = z.output<typeof fleetSchema>;
export type RegionDescription = FleetDescription['regions'][number];
export type HostDescription = RegionDescription['dataCenters'][number]['hosts'][number];

/** Accounts in one fleet's range. Databases count up from its start, gateways down from its end. */
export const ACCOUNTS_PER_FLEET = 65_536;
/** Nobody's but that of what tries sites. */
export const SITE_PROBE_ACCOUNT = ACCOUNTS_PER_FLEET - 1_024;
/** Ranges lie in 2^20 … 2^30: above what machines give out to people and to user namespaces, below what is reserved. */
const FIRST_RANGE = 2 ** 20 / ACCOUNTS_PER_FLEET;
const LAST_RANGE = 2 ** 30 / ACCOUNTS_PER_FLEET - 1;
const HOSTS_PER_DATA_CENTER = 2;
/** The last octet of the first host in a region; lower ones are left to gateways. */
const FIRST_HOST_OCTET = 11;

const REGIONS = [
  {
    id: 'europe',
    name: 'Europe',
    timeZone: 'Europe/Berlin',
    dataCenters: [['frankfurt', 'Frankfurt'], ['amsterdam', 'Amsterdam'], ['paris', 'Paris']],
  },
  { id: 'americas', name: 'Americas', timeZone: 'America/New_York', dataCenters: [['ashburn', 'Ashburn'], ['montreal', 'Montreal']] },
  { id: 'asia-pacific', name: 'Asia-Pacific', timeZone: 'Asia/Singapore', dataCenters: [['singapore', 'Singapore'], ['tokyo', 'Tokyo']] },
  {
    id: 'middle-east-and-northern-asia',
    name: 'Middle East and Northern Asia',
    timeZone: 'Asia/Dubai',
    dataCenters: [['dubai', 'Dubai'], ['almaty', 'Almaty']],
  },
  { id: 'oceania', name: 'Oceania', timeZone: 'Australia/Sydney', dataCenters: [['sydney', 'Sydney'], ['auckland', 'Auckland']] },
] as const;

export interface FleetChoices {
  readonly asRoot: boolean;
  readonly publicHost: string | null;
  readonly hostMemoryMb: number;
  /** The first port of each region's gateway, in order. */
  readonly firstPorts: readonly number[];
  readonly slots: number;
  readonly network: number;
  readonly atRest: AtRest;
}

export const REGION_COUNT = REGIONS.length;

/** Draws the second octet of a new fleet's addresses; 127.0 and 127.1 are in common use. */
export function drawNetwork(): number {
  return randomInt(2, 255);
}

/** The address of the gateway of one of the regions, in their order. */
export const gatewayAddress = (network: number, region: number): string => `127.${network}.${region + 1}.1`;

/** Describes a new fleet: five regions of two or three data centres of two hosts, each host with an address and storage of its own. */
export function describeFleet(choices: FleetChoices): FleetDescription {
  return {
    version: 1,
    id: randomBytes(8).toString('hex'),
    firstAccount: choices.asRoot ? randomInt(FIRST_RANGE, LAST_RANGE) * ACCOUNTS_PER_FLEET : null,
    network: choices.network,
    publicHost: choices.publicHost,
    publicCertificate: null,
    atRest: choices.atRest,
    regions: REGIONS.map((region, index) => ({
      id: region.id,
      name: region.name,
      timeZone: region.timeZone,
      gateway: {
        address: gatewayAddress(choices.network, index),
        firstPort: choices.firstPorts[index] ?? 0,
        slots: choices.slots,
        account: ACCOUNTS_PER_FLEET - 1 - index,
      },
      dataCenters: region.dataCenters.map(([suffix, name], at) => {
        const id = `${region.id}-${suffix}`;
        const hosts = Array.from({ length: HOSTS_PER_DATA_CENTER }, (_, number) => ({
          id: `hst_${id}-${number + 1}`,
          address: `127.${choices.network}.${index + 1}.${FIRST_HOST_OCTET + at * 10 + number}`,
          storageId: `sto_${id}-${number + 1}`,
          memoryMb: choices.hostMemoryMb,
        }));
        return { id, name, hosts };
      }),
    })),
  };
}

/** The ports of the endpoint with a number in a region. */
export function endpointPorts(
  { gateway: { firstPort, slots } }: RegionDescription, slot: number,
): { readonly session: number; readonly readOnly: number; readonly pooled: number } {
  return { session: firstPort + slot, readOnly: firstPort + slots + slot, pooled: firstPort + 2 * slots + slot };
}

/** A public name that gives each database a name of its own begins so. */
const EACH = '*.';

/**
 * The names and addresses by which clients reach a database, of which the first is the one that its endpoint names. A label of
 * a name has no capitals and no underscores.
 */
export function endpointHosts(
  fleet: Pick<FleetDescription, 'publicHost'>, region: RegionDescription, databaseId: string,
): [string, ...string[]] {
  const { publicHost } = fleet;
  const { address } = region.gateway;
  if (publicHost === null) return [address];
  return [
    publicHost.startsWith(EACH) ? `${databaseId.toLowerCase().replaceAll('_', '-')}.${publicHost.slice(EACH.length)}` : publicHost, address,
  ];
}

/**
 * The name by which sessions inside the fleet verify an instance: its address, or the endpoint's where instances present a
 * public certificate, which carries no address.
 */
export function serverName(
  fleet: Pick<FleetDescription, 'publicHost' | 'publicCertificate'>, region: RegionDescription, databaseId: string, address: string,
): string {
  return fleet.publicCertificate === null ? address : endpointHosts(fleet, region, databaseId)[0];
}

/** What may change at each start; what is left out stays. */
export interface FleetAdjustments {
  readonly hostMemoryMb?: number | undefined;
  readonly publicHost?: string | null | undefined;
  readonly publicCertificate?: PublicCertificateFiles | null | undefined;
  readonly atRest?: AtRest;
}

/** The same fleet with other memory per host, another public name, another certificate for it, or on a machine that encrypts or not. */
export function adjustFleet(
  fleet: FleetDescription,
  { hostMemoryMb, publicHost = fleet.publicHost, publicCertificate = fleet.publicCertificate, atRest = fleet.atRest }: FleetAdjustments,
): FleetDescription {
  return {
    ...fleet,
    publicHost,
    publicCertificate,
    atRest,
    regions: fleet.regions.map((region) => ({
      ...region,
      dataCenters: region.dataCenters.map((center) => ({
        ...center,
        hosts: center.hosts.map((host) => ({ ...host, memoryMb: hostMemoryMb ?? host.memoryMb })),
      })),
    })),
  };
}
