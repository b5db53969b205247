export interface HostBasedAccess {
  /** The role whose members are the customer's: the owner and their further roles. */
  readonly customersRole: string;
  /** The database's own pooler: its role, and the only database that it enters in its own name. */
  readonly pooler: { readonly role: string; readonly database: string };
  /** The role that probes the endpoint, and the only database that it enters. */
  readonly prober: { readonly role: string; readonly database: string };
  readonly controlUser: string;
  readonly replicationUser: string;
  readonly dumpUser: string;
  /** Addresses of the hosts on which the database's other instances may be. */
  readonly peers: readonly string[];
  /** Whether the customer may come in. */
  readonly open: boolean;
  /** The address of the region's gateway, from which its router connects. */
  readonly gateway: string;
}

/**
 * A client of this machine that does not bind an address of its own arrives from here, whatever loopback address it
 * connects to (`measured.md`, "Accounts, files, limits").
 */
const UNBOUND = '127.0.0.1';

/** Nobody needs a password who has the key of this database's pooler: the pooler has seen to it. No other client has such a key. */
const BY_POOLER_KEY = 'trust clientcert=verify-ca';

/**
 * The whole of an instance's pg_hba.conf, over TLS only: the customer's roles from the gateway with their passwords, or
 * through their pooler, to all databases but our own; the probe of the endpoint to that; replication from the peers; the control
 * plane and its dumps; and nobody else.
 *
 * `ssl_ca_file` holds the authority of this database's pooler alone (`pooler-authority.ts`), and so its certificate tells it
 * from all others. A map of names would not do: before PostgreSQL 16 it cannot map one certificate to all roles of a group.
 */
export function hostBasedAccess(access: HostBasedAccess): string {
  const { customersRole, pooler, prober, gateway, open } = access;
  const password = (database: string, user: string, address: string): string =>
    `hostssl ${database} ${quoteName(user)} ${address}/32 scram-sha-256`;
  // A group must not be quoted, or it is a name.
  const customers = (address: string, how: string): string => `hostssl all +${customersRole} ${address}/32 ${how}`;
  const own = [pooler.database, 'template0', 'template1'].map(quoteName).join(',');
  return `${[
    ...[...new Set([UNBOUND, ...access.peers])].map((address) => password('replication', access.replicationUser, address)),
    password('all', access.controlUser, UNBOUND),
    ...(open ? [`hostssl ${quoteName(pooler.database)} ${quoteName(pooler.role)} ${UNBOUND}/32 ${BY_POOLER_KEY}`] : []),
    password(quoteName(prober.database), prober.role, gateway),
    `host ${own} all all reject`,
    password('all', access.dumpUser, UNBOUND),
    ...(open ? [customers(gateway, 'scram-sha-256'), customers(UNBOUND, BY_POOLER_KEY)] : []),
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
