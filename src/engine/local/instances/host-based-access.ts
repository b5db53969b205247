export interface HostBasedAccess {
  readonly database: string;
  readonly owner: string;
  readonly controlUser: string;
  readonly replicationUser: string;
  readonly dumpUser: string;
  /** Addresses of the hosts on which the database's other instances may be. */
  readonly peers: readonly string[];
  /** Whether the owner may come in. */
  readonly open: boolean;
  /** The address of the region's gateway. */
  readonly gateway: string;
}

/**
 * A client of this machine that does not bind an address of its own arrives from here, whatever loopback address it
 * connects to (`measured.md`, "Accounts, files, limits").
 */
const UNBOUND = '127.0.0.1';

/**
 * The whole of an instance's pg_hba.conf: TLS and SCRAM only, the owner to the one database, replication from the peers,
 * the control plane and its dumps, and nobody else.
 */
export function hostBasedAccess(access: HostBasedAccess): string {
  const from = (addresses: readonly string[]): string[] => [...new Set([UNBOUND, ...addresses])];
  const line = (database: string, user: string, address: string): string => `hostssl ${database} ${quoteName(user)} ${address}/32 scram-sha-256`;
  return `${[
    ...(access.open ? from([access.gateway]) : []).map((address) => line(quoteName(access.database), access.owner, address)),
    ...from(access.peers).map((address) => line('replication', access.replicationUser, address)),
    line('all', access.controlUser, UNBOUND),
    line('all', access.dumpUser, UNBOUND),
    'local all all reject',
    'local replication all reject',
    'host all all all reject',
    'host replication all all reject',
  ].join('\n')}\n`;
}

/** Quoted, a name is only a name: not a keyword, a list or a group. */
function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
