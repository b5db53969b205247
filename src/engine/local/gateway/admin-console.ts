import pg from 'pg';

import { withClient } from '../sql/control-connection.js';
import { waitUntil } from '../wait-until.js';
import { ADMIN_USER } from './gateway-config.js';

/** The console answers from the gateway's one event loop: silence for this long means that nobody is served. */
const ANSWER_WITHIN_MS = 5_000;

export interface AdminConsole {
  readonly socketDirectory: string;
  readonly port: number;
  readonly password: string;
}

/** How a route stands, as `SHOW DATABASES` tells it. */
export interface RouteState {
  readonly name: string;
  readonly host: string | null;
  readonly port: number;
  readonly paused: boolean;
  readonly disabled: boolean;
}

/** Opens the gateway's admin console for as long as `body` runs. */
export function withConsole<T>(console: AdminConsole, signal: AbortSignal, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: console.socketDirectory,
    port: console.port,
    user: ADMIN_USER,
    password: console.password,
    database: 'pgbouncer',
    connectionTimeoutMillis: ANSWER_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
  });
  return withClient(client, signal, body);
}

export async function showRoutes(client: pg.Client): Promise<RouteState[]> {
  const { rows } = await client.query<{ name: string; host: string | null; port: string; paused: string; disabled: string }>('SHOW DATABASES');
  return rows.map((row) => ({
    name: row.name,
    host: row.host,
    port: Number(row.port),
    paused: Number(row.paused) !== 0,
    disabled: Number(row.disabled) !== 0,
  }));
}

/** The gateway's connections to servers: for which route each is. */
export async function showServers(client: pg.Client): Promise<{ readonly database: string }[]> {
  return (await client.query<{ database: string }>('SHOW SERVERS')).rows;
}

/** Returns once the gateway lets nobody through routes; one that it does not know has nobody. */
export async function waitUntilHeld(console: pg.Client, names: readonly string[], signal: AbortSignal): Promise<void> {
  await waitUntil(`the routes ${names.join(', ')} to be held`, signal, async () => {
    const states = await showRoutes(console);
    return states.every(({ name, paused }) => paused || !names.includes(name)) ? true : undefined;
  });
}

/** How many there are of what the gateway keeps lists of, such as clients that are logging in. */
export async function showLists(client: pg.Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ list: string; items: string }>('SHOW LISTS');
  return new Map(rows.map(({ list, items }) => [list, Number(items)]));
}
