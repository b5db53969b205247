import type { Room } from '../ports.js';
import type { LocalFleet } from './fleet/local-fleet.js';
import { controlDirectory, hostDirectory } from './fleet/fleet-layout.js';

/** The file systems that the directories of hosts and of the control plane are on; a host that nothing was placed on has none yet. */
export async function findRooms({ description, root, shell }: LocalFleet): Promise<Room[]> {
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
  return [...rooms.values()];
}
