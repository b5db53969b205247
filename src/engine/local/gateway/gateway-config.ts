import { pooledRoute, sessionRoute, type RouteFile } from './route-file.js';

/** As which the engine opens the admin console, over a socket that only the gateway's account and root can reach. */
export const ADMIN_USER = 'freehold_gateway';

export interface GatewaySettings {
  readonly listenAddress: string;
  readonly port: number;
  readonly etc: string;
  readonly socketDirectory: string;
  readonly rootCertificatePath: string;
  /** The SCRAM verifier of the admin console's password. */
  readonly adminVerifier: string;
}

export interface GatewayFiles {
  readonly ini: string;
  readonly access: string;
  readonly users: string;
}

/** Clients that one gateway holds at once, in all databases together. */
export const MAX_CLIENTS = 5_000;
/** Clients that may wait at one pooled route's door are many; its sessions on the server are few. */
const POOLED_SHARE = 0.4;

/** Assembles a gateway's whole configuration from its routes. */
export function gatewayConfiguration(settings: GatewaySettings, routes: readonly RouteFile[]): GatewayFiles {
  return {
    ini: ['[databases]', ...routes.flatMap((route) => routeLines(route, settings.listenAddress === '0.0.0.0' ? '127.0.0.1' : settings.listenAddress)), '', '[pgbouncer]', ...settingLines(settings), ''].join('\n'),
    access: [
      `local pgbouncer ${ADMIN_USER} scram-sha-256`,
      ...routes.map(({ name, owner }) => `hostssl "${sessionRoute(name)}","${pooledRoute(name)}" "${owner}" 0.0.0.0/0 scram-sha-256`),
      'host all all 0.0.0.0/0 reject',
      'local all all reject',
      '',
    ].join('\n'),
    users: [userLine(ADMIN_USER, settings.adminVerifier), ...routes.map(({ owner, ownerVerifier }) => userLine(owner, ownerVerifier)), ''].join('\n'),
  };
}

/** The session route may use what the pooled one leaves of the customer's connections, so that neither starves the other. */
export function shareConnections(maxConnections: number): { session: number; pooled: number } {
  const pooled = Math.max(1, Math.floor(maxConnections * POOLED_SHARE));
  return { session: Math.max(1, maxConnections - pooled), pooled };
}

/** Nobody listens there, on no address. */
const NOWHERE_PORT = 1;

/**
 * A closed route leads nowhere: a gateway that is restarted lets clients in for a moment before it can be told not to,
 * and the old target may be a primary that is lost, not dead.
 */
function routeLines(route: RouteFile, nowhere: string): string[] {
  const { session, pooled } = shareConnections(route.maxConnections);
  const target = route.open ? `host=${route.address} port=${route.port}` : `host=${nowhere} port=${NOWHERE_PORT}`;
  const line = (name: string, mode: string, poolSize: number): string =>
    `${name} = ${target} dbname='${route.name}' pool_mode=${mode} pool_size=${poolSize} max_db_connections=${poolSize}`;
  return [line(sessionRoute(route.name), 'session', session), line(pooledRoute(route.name), 'transaction', pooled)];
}

/** How long a client may take to log in. */
export const CLIENT_LOGIN_TIMEOUT_S = 15;

function settingLines(settings: GatewaySettings): string[] {
  const values: Record<string, string | number> = {
    listen_addr: settings.listenAddress,
    listen_port: settings.port,
    unix_socket_dir: settings.socketDirectory,
    unix_socket_mode: '0700',
    auth_type: 'hba',
    auth_hba_file: `${settings.etc}/hba.conf`,
    auth_file: `${settings.etc}/users.txt`,
    admin_users: ADMIN_USER,
    client_tls_sslmode: 'require',
    client_tls_key_file: `${settings.etc}/server.key`,
    client_tls_cert_file: `${settings.etc}/server.crt`,
    // Clients have no certificates, but left out this is the system's bundle, which every RELOAD reads: 28 ms in which nobody is served.
    client_tls_ca_file: settings.rootCertificatePath,
    // `secure` is TLS 1.2 and later.
    client_tls_protocols: 'secure',
    server_tls_sslmode: 'verify-full',
    server_tls_ca_file: settings.rootCertificatePath,
    server_tls_protocols: 'secure',
    max_client_conn: MAX_CLIENTS,
    pool_mode: 'session',
    // Clients that wait at a closed route make the gateway try its old server, and fail, until it is opened; what is tried next must
    // not wait for longer than that takes. Its default of 15 s would undo a fast failover, and 0.2 s were 0.15 s of it on average.
    server_login_retry: '0.02',
    // Against a host that cannot be reached a client would otherwise hang for longer than a failover takes.
    server_connect_timeout: 3,
    query_wait_timeout: 60,
    client_login_timeout: CLIENT_LOGIN_TIMEOUT_S,
    server_check_delay: 10,
    server_idle_timeout: 120,
    tcp_keepalive: 1,
    tcp_keepidle: 30,
    tcp_keepintvl: 10,
    tcp_keepcnt: 3,
    // What common drivers send by themselves; a pooled session could not keep them.
    ignore_startup_parameters: 'extra_float_digits,options,search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout',
    log_connections: 0,
    log_disconnections: 0,
    log_stats: 0,
    stats_period: 600,
  };
  return Object.entries(values).map(([name, value]) => `${name} = ${value}`);
}

function userLine(user: string, secret: string): string {
  return `"${user.replaceAll('"', '""')}" "${secret.replaceAll('"', '""')}"`;
}

