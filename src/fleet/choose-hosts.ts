/** A host, and what is placed on it already. */
export interface HostLoad {
  readonly id: string;
  readonly address: string;
  readonly dataCenterId: string;
  readonly storageId: string;
  readonly state: 'active' | 'draining' | 'lost';
  readonly memoryMb: number;
  /** Memory promised to the instances on it, in MiB. */
  readonly promisedMb: number;
  /** Whether its disk takes nothing more. */
  readonly diskFull?: boolean;
  /** Whether nothing is placed on it because it does not encrypt what lies on it. */
  readonly isPlain?: boolean;
}

export interface Placement {
  readonly primary: HostLoad;
  readonly standbys: readonly HostLoad[];
}

/**
 * Chooses where a database's instances go, among the hosts of its region.
 *
 * No two instances share a host or a storage; every standby is in another data centre than the primary, and standbys
 * are in different data centres where there are enough. Hosts that are draining, lost, full or plain are left out; of the
 * rest the least loaded is taken.
 *
 * @returns undefined if there is no room
 */
export function chooseHosts(hosts: readonly HostLoad[], memoryMb: number, standbys: number): Placement | undefined {
  const usable = hosts.filter((host) => hasRoom(host, memoryMb)).sort(byLoad);
  for (const primary of usable) {
    const chosen = chooseStandbyHosts(usable, [primary], primary.dataCenterId, standbys);
    if (chosen) return { primary, standbys: chosen };
  }
  return undefined;
}

/**
 * Chooses where a standby goes whose present place is to be left: on another host and storage than every member that
 * stays, and in another data centre than the primary.
 *
 * @param staying the hosts of the members that stay, the primary's first
 */
export function chooseStandbyHost(
  hosts: readonly HostLoad[], memoryMb: number, staying: readonly [HostLoad, ...HostLoad[]],
): HostLoad | undefined {
  const usable = hosts.filter((host) => hasRoom(host, memoryMb)).sort(byLoad);
  return chooseStandbyHosts(usable, staying, staying[0].dataCenterId, 1)?.[0];
}

const hasRoom = ({ state, promisedMb, memoryMb, diskFull = false, isPlain = false }: HostLoad, neededMb: number): boolean =>
  state === 'active' && promisedMb + neededMb <= memoryMb && !diskFull && !isPlain;

const byLoad = (a: HostLoad, b: HostLoad): number => a.promisedMb / a.memoryMb - b.promisedMb / b.memoryMb || a.id.localeCompare(b.id);

function chooseStandbyHosts(
  usable: readonly HostLoad[], taken: readonly HostLoad[], primaryDataCenterId: string, count: number,
): HostLoad[] | undefined {
  if (count === 0) return [];
  const free = usable.filter((host) =>
    host.dataCenterId !== primaryDataCenterId && taken.every((other) => other.id !== host.id && other.storageId !== host.storageId));
  const next = free.find((host) => taken.every((other) => other.dataCenterId !== host.dataCenterId)) ?? free[0];
  if (!next) return undefined;
  const rest = chooseStandbyHosts(usable, [...taken, next], primaryDataCenterId, count - 1);
  return rest && [next, ...rest];
}
