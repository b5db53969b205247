import { EVERYWHERE } from '../../../allow-list.js';
import { mostClients, pooledSessions } from '../../../connection-shares.js';
import { POOLER_DATABASE, POOLER_LOOKUP, POOLER_ROLE } from '../../sql/pooler-sql.js';

/** As which the engine opens the admin console, over a socket that only the pooler's account and root can reach. */
export const CONSOLE_USER = 'freehold_gateway';

export interface PoolerTarget {
  readonly address: string;
  readonly port: number;
}

export interface PoolerSettings {
  /** Where clients connect to: an address, or several with commas between. */
  readonly listenAddress: string;
  readonly port: number;
  /** The directory that holds these files, and the keys and certificates. */
  readonly etc: string;
  readonly socketDirectory: string;
  readonly rootCertificatePath: string;
  /** Whether that file holds authorities for some names only, by which an instance is verified without its address. */
  readonly verifiesNamesByAuthority: boolean;
  /** The SCRAM verifier of the console's password. */
  readonly consoleVerifier: string;
  /** Sessions that the plan gives to the customer, of which the pooler has a share. */
  readonly maxConnections: number;
  /** Networks from which clients are let in; null for all. */
  readonly networks: readonly string[] | null;
  /** The instance; undefined while the route is held or closed. */
  readonly target: PoolerTarget | undefined;
}

export interface PoolerFiles {
  readonly ini: string;
  readonly hba: string;
  readonly users: string;
}

/**
 * Settings that a client may bring along, in its start-up message or as `options=-c name=value`, beside `client_encoding`,
 * `DateStyle`, `TimeZone`, `standard_conforming_strings` and `application_name`: PgBouncer sets them on the server before each of
 * its transactions. Any other is refused by name.
 *
 * All of them are such as the server reports. PgBouncer sends a setting only where it believes that the server has another
 * value, and learns from reports alone that {@link RESET} has taken it back: of `statement_timeout`, which no server reports, a
 * client would have its value in its first transaction and not in the next. So it is with `search_path` before PostgreSQL 18,
 * which PgBouncer takes whatever it is told; docs/connect.md says so.
 */
const REPORTED_SETTINGS = ['IntervalStyle', 'default_transaction_read_only'];

/**
 * Settings that drivers send by themselves (pgjdbc, lib/pq) and that change nothing since PostgreSQL 12, whether they are kept or
 * not. They are not `ignore_startup_parameters`, with which a PgBouncer before 1.26.1 can be made to hang (CVE-2026-107349).
 */
const HARMLESS_SETTINGS = ['extra_float_digits'];

/**
 * What a server is told after each transaction: whoever has it next finds nothing of its last client's, such as settings,
 * locks, cursors, temporary tables or notifications. It is `DISCARD ALL` but for the plans of statements that PgBouncer itself
 * has prepared there and knows of. A session with a statement that was made by the SQL command PREPARE, of which it does not
 * know, ends.
 */
const RESET = [
  'CLOSE ALL',
  'RESET SESSION AUTHORIZATION',
  // Back to the role that the log-in begins with: see `owner-login-sql.ts`.
  'RESET ROLE',
  'RESET ALL',
  'UNLISTEN *',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
  'SELECT pg_catalog.pg_advisory_unlock_all(), (SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())'
    + ' FROM pg_catalog.pg_prepared_statement() WHERE from_sql LIMIT 1)',
].join('; ');

/** Statements that PgBouncer keeps prepared on each server; what a driver prepares beyond is prepared anew. */
const PREPARED_STATEMENTS = 200;
const LOOKUPS_AT_ONCE = 2;
/** Who waits for a server for longer is told so. Shorter than a driver's patience, longer than a switchover may hold clients. */
export const QUERY_WAIT_S = 20;
/** Nobody listens there, on no address. */
const NOWHERE: PoolerTarget = { address: '127.0.0.1', port: 1 };

/** The whole configuration of one database's PgBouncer, 1.24 or later. */
export function poolerConfiguration(settings: PoolerSettings): PoolerFiles {
  const { address, port } = settings.target ?? NOWHERE;
  const target = `host=${address} port=${port}`;
  return {
    ini: [
      '[databases]',
      `${POOLER_DATABASE} = ${target} pool_size=${LOOKUPS_AT_ONCE} max_db_connections=${LOOKUPS_AT_ONCE}`,
      `* = ${target}`,
      '',
      '[pgbouncer]',
      ...settingLines(settings),
      '',
    ].join('\n'),
    hba: [
      `local pgbouncer ${CONSOLE_USER} scram-sha-256`,
      'local all all reject',
      `host "pgbouncer","${POOLER_DATABASE}","template0","template1" all all reject`,
      `host all "${POOLER_ROLE}","${CONSOLE_USER}" all reject`,
      ...(settings.networks ?? EVERYWHERE).map((network) => `hostssl all all ${network} scram-sha-256`),
      'host all all all reject',
      '',
    ].join('\n'),
    // No customer is among them: who is in this file is let in before the server was asked.
    users: `"${CONSOLE_USER}" "${settings.consoleVerifier}"\n"${POOLER_ROLE}" ""\n`,
  };
}

function settingLines(settings: PoolerSettings): string[] {
  const pooled = pooledSessions(settings.maxConnections);
  const values: Record<string, string | number> = {
    listen_addr: settings.listenAddress,
    listen_port: settings.port,
    unix_socket_dir: settings.socketDirectory,
    unix_socket_mode: '0700',
    ...access(settings),
    ...encryption(settings),
    pool_mode: 'transaction',
    max_prepared_statements: PREPARED_STATEMENTS,
    server_reset_query: RESET,
    server_reset_query_always: 1,
    track_extra_parameters: [...REPORTED_SETTINGS, ...HARMLESS_SETTINGS].join(','),
    // Each database that the customer has made has its own, for all roles together. What they take in all, the instance counts: a
    // limit for each user would not do, for PgBouncer 1.26 does not take it from an idle session of another database, if it has
    // asked for the password.
    default_pool_size: pooled,
    max_db_connections: pooled,
    max_client_conn: mostClients(settings.maxConnections),
    ...timing(),
    log_connections: 0,
    log_disconnections: 0,
    log_stats: 0,
    stats_period: 600,
  };
  return Object.entries(values).map(([name, value]) => `${name} = ${value}`);
}

function access({ etc }: PoolerSettings): Record<string, string> {
  return {
    auth_type: 'hba',
    auth_hba_file: `${etc}/hba.conf`,
    auth_file: `${etc}/users.txt`,
    auth_user: POOLER_ROLE,
    auth_dbname: POOLER_DATABASE,
    auth_query: POOLER_LOOKUP,
    admin_users: CONSOLE_USER,
  };
}

/** `secure` is TLS 1.2 and later. The instance knows the pooler by its certificate: see `host-based-access.ts`. */
function encryption({ etc, rootCertificatePath, verifiesNamesByAuthority }: PoolerSettings): Record<string, string> {
  return {
    client_tls_sslmode: 'require',
    client_tls_key_file: `${etc}/server.key`,
    client_tls_cert_file: `${etc}/server.crt`,
    // Clients have no certificates, but left out this is the system's bundle, which every RELOAD reads: 28 ms in which nobody is served.
    client_tls_ca_file: rootCertificatePath,
    client_tls_protocols: 'secure',
    // As at the instances.
    client_tls_ciphers: 'ECDHE+AESGCM:ECDHE+CHACHA20',
    // PgBouncer cannot be told a name beside an address.
    server_tls_sslmode: verifiesNamesByAuthority ? 'verify-ca' : 'verify-full',
    server_tls_ca_file: rootCertificatePath,
    server_tls_key_file: `${etc}/client.key`,
    server_tls_cert_file: `${etc}/client.crt`,
    server_tls_protocols: 'secure',
  };
}

function timing(): Record<string, string | number> {
  return {
    // While the pooler is paused it tries nothing, and so it has not failed just before it is let go. What is left are a server's
    // own restarts, and a pooler that has just been started without a target.
    server_login_retry: '0.2',
    server_connect_timeout: 3,
    server_check_delay: 10,
    server_idle_timeout: 60,
    client_login_timeout: 15,
    query_wait_timeout: QUERY_WAIT_S,
    query_wait_notify: 5,
    cancel_wait_timeout: 5,
    // A client or a server that is cut off without a word is gone after 41 s at most; one that is merely idle is not.
    tcp_keepalive: 1,
    tcp_keepidle: 20,
    tcp_keepintvl: 7,
    tcp_keepcnt: 3,
    tcp_user_timeout: 40_000,
  };
}
