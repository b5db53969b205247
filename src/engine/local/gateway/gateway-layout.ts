import type { LocalFleet } from '../local-fleet.js';
import { gatewayDirectory, gatewaySocketDirectory } from '../fleet/fleet-layout.js';

/** Where a region's gateway keeps its files. */
export interface GatewayPaths {
  /** Holds the `lock` under which the configuration is assembled. */
  readonly control: string;
  readonly etc: string;
  readonly ini: string;
  readonly access: string;
  readonly users: string;
  /** One directory per database with `token`, `lock` and `route.json`. */
  readonly routes: string;
  /** Pid and start time of the process that was started last. */
  readonly pid: string;
  readonly log: string;
  /** The password of the admin console. */
  readonly adminPassword: string;
  readonly socketDirectory: string;
}

export function gatewayPaths(fleet: LocalFleet, regionId: string): GatewayPaths {
  const control = gatewayDirectory(fleet.root, regionId);
  return {
    control,
    etc: `${control}/etc`,
    ini: `${control}/etc/pgbouncer.ini`,
    access: `${control}/etc/hba.conf`,
    users: `${control}/etc/users.txt`,
    routes: `${control}/routes`,
    pid: `${control}/pid`,
    log: `${control}/log`,
    adminPassword: `${control}/admin-password`,
    socketDirectory: gatewaySocketDirectory(fleet.root, fleet.region(regionId).gateway.account),
  };
}
