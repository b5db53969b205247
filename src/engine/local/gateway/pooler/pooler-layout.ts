import type { DatabaseSpec } from '../../../ports.js';
import { gatewayDirectory, socketsDirectory } from '../../fleet/fleet-layout.js';
import type { LocalFleet } from '../../fleet/local-fleet.js';
import { requireId } from '../../../require-id.js';

/** Where a database's pooler keeps its files. */
export interface PoolerPaths {
  readonly directory: string;
  /** Configuration, keys and certificates; the pooler's account alone may enter. */
  readonly etc: string;
  readonly ini: string;
  readonly hba: string;
  readonly users: string;
  /** Pid and start time of the process that was started last. */
  readonly pid: string;
  readonly log: string;
  /** Short: a socket's path may have 107 bytes. */
  readonly socketDirectory: string;
}

/** Poolers' Unix accounts are their databases' and so much more: databases are given numbers below it. */
export const POOLER_ACCOUNTS = 30_000;

export function poolerPaths(fleet: Pick<LocalFleet, 'root'>, database: Pick<DatabaseSpec, 'id' | 'region' | 'account'>): PoolerPaths {
  requireId(database.id);
  const directory = `${gatewayDirectory(fleet.root, database.region)}/poolers/${database.id}`;
  const etc = `${directory}/etc`;
  return {
    directory,
    etc,
    ini: `${etc}/pgbouncer.ini`,
    hba: `${etc}/hba.conf`,
    users: `${etc}/users.txt`,
    pid: `${directory}/pid`,
    log: `${directory}/log`,
    socketDirectory: `${socketsDirectory(fleet.root)}/p${database.account + POOLER_ACCOUNTS}`,
  };
}
