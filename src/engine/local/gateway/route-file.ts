import { z } from 'zod';

import { EngineError } from '../../errors.js';
import type { FileContent } from '../host-shell/files.js';
import type { HostShell } from '../host-shell/host-shell.js';

/** A database's route as it is kept beside its token; a removed one stays as the record of the highest token alone. */
export const routeSchema = z.object({
  databaseId: z.string(),
  name: z.string(),
  owner: z.string(),
  ownerVerifier: z.string(),
  address: z.ipv4(),
  port: z.number().int().min(1).max(65_535),
  maxConnections: z.number().int().positive(),
  /** Whether clients are let in; kept here, so that a gateway that is restarted keeps a closed route closed. */
  open: z.boolean(),
});

export type RouteFile = z.output<typeof routeSchema>;

export const routeDirectory = (routes: string, databaseId: string): string => `${routes}/${databaseId}`;
export const routePath = (routes: string, databaseId: string): string => `${routes}/${databaseId}/route.json`;

/** The names under which clients reach a database: a session each, or pooled by transaction. */
export const sessionRoute = (name: string): string => name;
export const pooledRoute = (name: string): string => `${name}_pooled`;

/** All routes of a gateway, open or closed, in the order of their ids. */
export async function readRoutes(shell: HostShell, routes: string): Promise<RouteFile[]> {
  const ids = await shell.list(routes);
  const texts = await Promise.all(ids.map((id) => shell.read(routePath(routes, id))));
  return texts.filter((text) => text !== undefined).map((text) => routeSchema.parse(JSON.parse(text)));
}

/** One database's route; undefined if it has none. */
export async function readRoute(shell: HostShell, routes: string, databaseId: string): Promise<RouteFile | undefined> {
  const text = await shell.read(routePath(routes, databaseId));
  return text === undefined ? undefined : routeSchema.parse(JSON.parse(text));
}

/** A route's file as it is to be written. */
export function routeContent(routes: string, file: RouteFile): FileContent {
  return { path: routePath(routes, file.databaseId), content: `${JSON.stringify(file)}\n`, mode: 0o600 };
}

/** The names of both routes of a database. */
export const routeNames = (name: string): [session: string, pooled: string] => [sessionRoute(name), pooledRoute(name)];

/**
 * Routes of one gateway share its names and its users, so that two databases may have none in common.
 *
 * @throws EngineError `permanent`
 */
export function refuseClash(route: RouteFile, others: readonly RouteFile[]): void {
  const names = [sessionRoute(route.name), pooledRoute(route.name)];
  for (const other of others) {
    if (other.databaseId === route.databaseId) continue;
    const clash = [sessionRoute(other.name), pooledRoute(other.name)].find((name) => names.includes(name));
    if (clash !== undefined) throw new EngineError('permanent', `the route "${clash}" belongs to another database`, 'give the database another name');
    if (other.owner === route.owner) throw new EngineError('permanent', `the user "${route.owner}" belongs to another database`, 'give the owner another name');
  }
}
