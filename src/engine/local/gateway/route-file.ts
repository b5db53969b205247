import { z } from 'zod';

import { EVERYWHERE } from '../../allow-list.js';
import type { HostShell } from '../machine/host-shell.js';
import type { FileContent } from '../machine/files.js';

const targetSchema = z.object({ address: z.ipv4(), port: z.number().int().min(1).max(65_535) });

/** A database's route as it is kept beside its token; a removed one stays as the record of the highest token alone. */
const routeSchema = z.object({
  databaseId: z.string(),
  /** The number of the database's own Unix account. */
  account: z.number().int(),
  slot: z.number().int().min(0),
  /** The token with which it was written: what the router is told with. */
  token: z.string().regex(/^\d+$/),
  /** The owner's, as the record had it then: what a record that was lost is made anew from. */
  ownerVerifier: z.string(),
  target: targetSchema,
  readers: z.array(targetSchema),
  maxConnections: z.number().int().positive(),
  /** Networks from which clients may come. Files of an earlier version have none: everybody could. */
  allowList: z.array(z.string()).default([...EVERYWHERE]),
  /** Whether clients are let in; kept here, so that a gateway that is restarted keeps a held route held. */
  open: z.boolean(),
});

export type RouteFile = z.output<typeof routeSchema>;

export const routeDirectory = (routes: string, databaseId: string): string => `${routes}/${databaseId}`;
export const routePath = (routes: string, databaseId: string): string => `${routes}/${databaseId}/route.json`;

/** All routes of a gateway, open or held, in the order of their ids. */
export async function readRoutes(shell: HostShell, routes: string): Promise<RouteFile[]> {
  const ids = await shell.list(routes);
  return (await Promise.all(ids.map((id) => readRoute(shell, routes, id)))).filter((file) => file !== undefined);
}

/**
 * One database's route; undefined if it has none. What gateways wrote that served a whole region is none: the database's next
 * recovery writes it anew.
 */
export async function readRoute(shell: HostShell, routes: string, databaseId: string): Promise<RouteFile | undefined> {
  const text = await shell.read(routePath(routes, databaseId));
  return text === undefined ? undefined : routeSchema.safeParse(JSON.parse(text)).data;
}

/** A route's file as it is to be written. */
export function routeContent(routes: string, file: RouteFile): FileContent {
  return { path: routePath(routes, file.databaseId), content: `${JSON.stringify(file)}\n`, mode: 0o600 };
}
