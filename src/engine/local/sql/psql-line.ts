import { command, quote } from '../machine/gate-script.js';
import type { InstanceContext } from '../fleet/instance-context.js';
import { CONTROL_USER, EFFECT_APPLICATION, endStaleEffects } from './cluster-sql.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { sessionOptions, type TenantDatabase } from './session-settings.js';

/**
 * A line for the gate that runs SQL on the instance as the control plane, each statement by itself; in a tenant's database
 * only such statements as read and write what no tenant can touch.
 *
 * psql is a child of the gate, so that a caller who stalls has no connection through which it could act later.
 */
export function sqlLine(context: InstanceContext, port: number, statements: readonly string[], database?: TenantDatabase): string {
  const { address, serverName, authorityPath, fleet } = context;
  const server = {
    address,
    serverName,
    port,
    authorityPath,
    password: context.instance.database.secrets.control,
    applicationName: EFFECT_APPLICATION,
    ...(database ? { database } : {}),
  };
  return psqlLine(fleet, server, [endStaleEffects, ...statements]);
}

export interface SqlServer {
  readonly address: string;
  /** What its certificate is for. */
  readonly serverName: string;
  readonly port: number;
  readonly authorityPath: string;
  /** The control plane's. */
  readonly password: string;
  readonly applicationName: string;
  /** `postgres` unless given. */
  readonly database?: TenantDatabase;
}

/** The same for any server that the control plane may enter, and without ending what others began. */
export function psqlLine(fleet: LocalFleet, server: SqlServer, statements: readonly string[]): string {
  const target = {
    host: server.serverName,
    hostaddr: server.address,
    port: server.port,
    sslmode: 'verify-full',
    sslrootcert: server.authorityPath,
    dbname: server.database?.name ?? 'postgres',
    application_name: server.applicationName,
    connect_timeout: 5,
  };
  return `PGPASSWORD=${quote(server.password)} ${psql(fleet, target, statements, server.database?.version)}`;
}

/** A line that runs SQL, as the control plane, on a cluster that is reached through a socket of its own only. */
export function isolatedSqlLine(
  fleet: LocalFleet, server: { readonly socketDirectory: string; readonly port: number }, statements: readonly string[],
): string {
  return psql(
    fleet, { host: server.socketDirectory, port: server.port, dbname: 'postgres', application_name: 'freehold-restore' }, statements,
  );
}

function psql(
  fleet: LocalFleet, target: Readonly<Record<string, string | number>>, statements: readonly string[], version?: string,
): string {
  const options = sessionOptions({ superuser: true, version });
  const info = Object.entries({ ...target, user: CONTROL_USER, options }).map(([name, value]) => `${name}=${quoteInfo(String(value))}`);
  const words = [`${fleet.binaries.directory}/psql`, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', info.join(' ')];
  return `${command(...words)} <<< ${quote(statements.join('\n'))}`;
}

const quoteInfo = (value: string): string => `'${value.replaceAll(/([\\'])/g, '\\$1')}'`;
