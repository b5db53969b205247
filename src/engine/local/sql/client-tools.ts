import { quote } from '../machine/gate-script.js';
import { sessionOptions } from './session-settings.js';

export interface ToolTarget {
  /** An address, or the directory of a socket; several addresses are tried in turn. */
  readonly host: string;
  /** What the certificates of all these addresses are for; each one's own address if left out. */
  readonly serverName?: string;
  readonly port?: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  readonly authorityPath?: string;
  readonly applicationName: string;
  /** Of the server, such as `15.18`; needed where the database is a tenant's. */
  readonly version?: string;
  readonly superuser: boolean;
}

/** A program of PostgreSQL's that connects to a server of its own major. */
export const clientTool = (binaries: string, program: 'pg_dump' | 'pg_rewind'): string => `${binaries}/${program}`;

/** The environment as the beginning of a line of the shell, where it appears in no list of processes. */
export const environmentLine = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment).map(([name, value]) => `${name}=${quote(value)}`).join(' ');

/**
 * The environment by which a program of PostgreSQL's, or one that uses its libpq, connects: with the settings that each
 * session of ours has, and no secret in the list of processes.
 */
export function toolEnvironment(target: ToolTarget): Record<string, string> {
  const { host, serverName, port, user, database, password, authorityPath, applicationName, version, superuser } = target;
  return {
    ...(serverName === undefined ? { PGHOST: host } : { PGHOST: host.split(',').map(() => serverName).join(','), PGHOSTADDR: host }),
    ...(port === undefined ? {} : { PGPORT: String(port) }),
    PGUSER: user,
    PGDATABASE: database,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(authorityPath === undefined ? {} : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: authorityPath }),
    PGCONNECT_TIMEOUT: '5',
    PGAPPNAME: applicationName,
    PGOPTIONS: sessionOptions({ ...(version === undefined ? {} : { version }), superuser }),
  };
}
