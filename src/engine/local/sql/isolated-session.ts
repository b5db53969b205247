import pg from 'pg';

import { CONTROL_USER } from './cluster-sql.js';
import { withClient } from './control-connection.js';
import { sessionOptions } from './session-settings.js';

/** A cluster that is reached through a socket of its own only. */
export interface IsolatedServer {
  readonly socketDirectory: string;
  readonly port: number;
  /** Such as `15.18`. */
  readonly version: string;
}

const APPLICATION = 'freehold-proof';

/** A session of the control plane's in one of a cluster's databases, a tenant's too. */
export function withIsolated<T>(
  server: IsolatedServer, database: string, signal: AbortSignal, body: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { socketDirectory: host, port, version } = server;
  const client = new pg.Client({
    host, port, user: CONTROL_USER, database, application_name: APPLICATION, options: sessionOptions({ version, superuser: true }),
  });
  return withClient(client, signal, body);
}

/**
 * A session of the owner's that only reads, for what the owner's own code is run by: names are found, and values written, as
 * the owner has set it. `body` is also given the number of the session's process.
 */
export function withIsolatedOwner<T>(
  server: IsolatedServer,
  { database, owner }: { readonly database: string; readonly owner: string },
  signal: AbortSignal,
  body: (client: pg.Client, pid: number) => Promise<T>,
): Promise<T> {
  const { socketDirectory: host, port, version } = server;
  const left = [
    'search_path', 'DateStyle', 'IntervalStyle', 'TimeZone', 'lc_monetary', 'lc_numeric', 'lc_time', 'extra_float_digits', 'bytea_output',
  ];
  const options = sessionOptions({ version, superuser: false, settings: { default_transaction_read_only: 'on' }, left });
  const client = new pg.Client({ host, port, user: owner, database, application_name: APPLICATION, options });
  return withClient(client, signal, () => body(client, (client as unknown as { processID: number }).processID));
}
