import { floorBytes } from '../disk-floor.js';
import type { Room } from '../ports.js';
import type { LocalFleet } from './fleet/local-fleet.js';
import { controlDirectory, hostDirectory } from './fleet/fleet-layout.js';
import { databaseDirectory, volumeOf } from './fleet/instance-layout.js';
import type { HostShell } from './machine/host-shell.js';

const MIB = 2 ** 20;
/** Where more is free, what volumes still have to write makes no difference: the system holds less than that in its memory. */
const AMPLE_BYTES = 16 * 1_024 * MIB;
/** Where no more than this many times what is to stay free is left, it is written at once. */
const FLUSHED_FROM_FLOORS = 8;
const WORTH_FLUSHING_BYTES = 4 * MIB;
const FLUSH_WITHIN_MS = 60_000;

/**
 * Tells of the file systems that hosts and the control plane are on. What is written in volumes and has not reached the disk below
 * them counts as used, since the disk has promised it; where it is almost full it is written there while there is room for it, so
 * that what others write in the meantime does not make the promise false.
 */
export function roomFinder(fleet: LocalFleet): () => Promise<readonly Room[]> {
  let flushing: Promise<void> | undefined;
  return async () => {
    const rooms = await findRooms(fleet);
    const pressed = rooms.filter(({ usedBytes, freeBytes }) => freeBytes < FLUSHED_FROM_FLOORS * floorBytes(usedBytes + freeBytes));
    flushing ??= flush(fleet, pressed.flatMap(({ hosts }) => hosts)).finally(() => {
      flushing = undefined;
    });
    return rooms;
  };
}

async function flush({ root, shell }: LocalFleet, hosts: readonly string[]): Promise<void> {
  const volumes = await Promise.all(hosts.map((host) => volumesOf(shell, root, host)));
  const late = volumes.flat().filter(({ promisedBytes }) => promisedBytes > WORTH_FLUSHING_BYTES);
  await Promise.all(late.map(({ volume }) =>
    shell.run(['sync', '-f', volume], { signal: AbortSignal.timeout(FLUSH_WITHIN_MS) }).catch(() => undefined)));
}

/** The file systems of hosts and of the control plane; a host that nothing was placed on has none yet. */
async function findRooms({ description, root, shell }: LocalFleet): Promise<Room[]> {
  const hosts = description.regions.flatMap(({ dataCenters }) =>
    dataCenters.flatMap((center) => center.hosts.map(({ id }) => ({ id, path: hostDirectory(root, id) }))),
  );
  const places: { readonly id: string | null; readonly path: string }[] = [...hosts, { id: null, path: controlDirectory(root) }];
  const seen = await Promise.all(
    places.map(async ({ id, path }) => ({ id, room: (await shell.roomAt(path)) ?? (await shell.roomAt(root)) })),
  );
  const rooms = new Map<number, { hosts: string[]; controlPlane: boolean; usedBytes: number; freeBytes: number }>();
  for (const { id, room } of seen) {
    if (!room) continue;
    const { device, usedBytes, freeBytes } = room;
    const known = rooms.get(device) ?? { hosts: [], controlPlane: false, usedBytes, freeBytes };
    rooms.set(device, known);
    if (id === null) known.controlPlane = true;
    else known.hosts.push(id);
  }
  return Promise.all([...rooms.values()].map(async (room) => {
    if (room.freeBytes > AMPLE_BYTES) return room;
    const volumes = await Promise.all(room.hosts.map((host) => volumesOf(shell, root, host)));
    const promised = Math.min(room.freeBytes, volumes.flat().reduce((total, { promisedBytes }) => total + promisedBytes, 0));
    return { ...room, usedBytes: room.usedBytes + promised, freeBytes: room.freeBytes - promised };
  }));
}

/** The volumes of a host, and how much they hold more than their images take of the disk. */
async function volumesOf(
  shell: HostShell, root: string, host: string,
): Promise<{ readonly volume: string; readonly promisedBytes: number }[]> {
  const databases = await shell.list(hostDirectory(root, host));
  return Promise.all(databases.map(async (database) => {
    const { volume, image, ballast } = volumeOf(databaseDirectory(root, host, database));
    const [room, takenBytes, ballastBytes] = await Promise.all([
      shell.roomAt(volume), shell.allocatedBytes(image), shell.sizeBytes(ballast),
    ]);
    return { volume, promisedBytes: room && takenBytes > 0 ? Math.max(0, room.usedBytes - ballastBytes - takenBytes) : 0 };
  }));
}
