import pg from 'pg';

import { CONTROL_USER } from '../instances/sql.js';
import { withClient } from './control-connection.js';
import { sessionOptions } from './session-settings.js';

/** A cluster that is reached through a socket of its own only. */
export interface IsolatedServer {
  readonly socketDirectory: string;
  readonly port: number;
  /** Such as `15.18`. */
  readonly version: string;
}

/** A session of the control plane's in one of a cluster's databases, a tenant's too. */
export function withIsolated<T>(server: IsolatedServer, database: string, signal: AbortSignal, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const { socketDirectory: host, port, version } = server;
  const options = sessionOptions({ version, superuser: true });
  const client = new pg.Client({ host, port, user: CONTROL_USER, database, application_name: 'freehold-proof', options });
  return withClient(client, signal, body);
}
