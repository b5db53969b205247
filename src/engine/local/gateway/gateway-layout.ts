import type { LocalFleet } from '../fleet/local-fleet.js';
import { gatewayDirectory, gatewaySocketDirectory } from '../fleet/fleet-layout.js';

/** Where a region's gateway keeps its files. */
export interface GatewayPaths {
  /** Holds the `lock` under which the router is started. */
  readonly control: string;
  /** The router's own. */
  readonly router: string;
  /** One directory per database with `token`, `lock` and `route.json`. */
  readonly routes: string;
  /** One directory per database, of its pooler. */
  readonly poolers: string;
  /** Where the router's admin socket is. */
  readonly socketDirectory: string;
}

export function gatewayPaths(fleet: LocalFleet, regionId: string): GatewayPaths {
  const control = gatewayDirectory(fleet.root, regionId);
  return {
    control,
    router: `${control}/router`,
    routes: `${control}/routes`,
    poolers: `${control}/poolers`,
    socketDirectory: gatewaySocketDirectory(fleet.root, fleet.region(regionId).gateway.account),
  };
}
