import { randomBytes, randomInt } from 'node:crypto';

import { z } from 'zod';

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
    port: z.number().int().min(1024).max(65_535),
    /** Its Unix account, counted from the start of the fleet's range. */
    account: z.number().int(),
  }),
  dataCenters: z.array(z.object({ id: z.string(), name: z.string(), hosts: z.array(hostSchema).min(2) })).min(2),
});

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
  regions: z.array(regionSchema).min(1),
});

export type FleetDescription = z.output<typeof fleetSchema>;
export type RegionDescription = FleetDescription['regions'][number];
export type HostDescription = RegionDescription['dataCenters'][number]['hosts'][number];

/** Accounts in one fleet's range. Databases count up from its start, gateways down from its end. */
export const ACCOUNTS_PER_FLEET = 65_536;
/** Nobody's but that of what tries sites; databases are given numbers below 60,000. */
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
  /** A port for each region's gateway, in order. */
  readonly ports: readonly number[];
  readonly network: number;
}

export const REGION_COUNT = REGIONS.length;

/** Draws the second octet of a new fleet's addresses; 127.0 and 127.1 are in common use. */
export function drawNetwork(): number {
  return randomInt(2, 255);
}

/** Describes a new fleet: five regions of two or three data centres of two hosts, each host with an address and storage of its own. */
export function describeFleet(choices: FleetChoices): FleetDescription {
  return {
    version: 1,
    id: randomBytes(8).toString('hex'),
    firstAccount: choices.asRoot ? randomInt(FIRST_RANGE, LAST_RANGE) * ACCOUNTS_PER_FLEET : null,
    network: choices.network,
    publicHost: choices.publicHost,
    regions: REGIONS.map((region, index) => ({
      id: region.id,
      name: region.name,
      timeZone: region.timeZone,
      gateway: { address: `127.${choices.network}.${index + 1}.1`, port: choices.ports[index] ?? 0, account: ACCOUNTS_PER_FLEET - 1 - index },
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

/** The same fleet with other memory per host, or another public name. */
export function adjustFleet(fleet: FleetDescription, hostMemoryMb: number | undefined, publicHost: string | null | undefined): FleetDescription {
  return {
    ...fleet,
    publicHost: publicHost === undefined ? fleet.publicHost : publicHost,
    regions: fleet.regions.map((region) => ({
      ...region,
      dataCenters: region.dataCenters.map((center) => ({
        ...center,
        hosts: center.hosts.map((host) => ({ ...host, memoryMb: hostMemoryMb ?? host.memoryMb })),
      })),
    })),
  };
}
