import pg from 'pg';

import { withClient } from '../../sql/control-connection.js';
import { CONSOLE_USER } from './pooler-config.js';

/** The console answers from the pooler's one event loop: silence for this long means that nobody is served. */
const ANSWER_WITHIN_MS = 5_000;

/** Where a pooler's admin console is. */
export interface ConsolePlace {
  readonly socketDirectory: string;
  readonly port: number;
  readonly password: string;
}

/** A database as `SHOW DATABASES` tells it: the customer's, ours for look-ups, and the console itself, which has no host. */
interface PoolerDatabase {
  readonly name: string;
  readonly host: string | null;
  readonly port: string | number;
}

interface PooledClient {
  readonly id: string;
  readonly source: string;
}

interface SocketRow {
  readonly state: string;
  readonly user: string | null;
  readonly addr: string;
  /** Such as `2026-11-29 20:25:47 UTC`. */
  readonly connect_time: string;
}

/** A pooler's admin console, for looks alone: what has an effect is said through a gate. */
export class PoolerConsole {
  constructor(private readonly client: pg.Client) {}

  /** Opens it for as long as `body` runs. */
  static open<T>(
    { socketDirectory, port, password }: ConsolePlace,
    signal: AbortSignal,
    body: (console: PoolerConsole) => Promise<T>,
  ): Promise<T> {
    const client = new pg.Client({
      host: socketDirectory,
      port,
      password,
      user: CONSOLE_USER,
      database: 'pgbouncer',
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    return withClient(client, signal, () => body(new PoolerConsole(client)));
  }

  /** Whether no transaction begins: everybody waits. */
  async isPaused(): Promise<boolean> {
    const { rows } = await this.client.query<{ key: string; value: string }>('SHOW STATE');
    return rows.some(({ key, value }) => key === 'paused' && value === 'yes');
  }

  /** Whether each new connection to a server goes there. */
  async leadsTo(address: string, port: number): Promise<boolean> {
    const { rows } = await this.client.query<PoolerDatabase>('SHOW DATABASES');
    return rows.every((database) => !database.host || (database.host === address && Number(database.port) === port));
  }

  /** Connections to servers, those too that are being opened or closed. */
  async countServers(): Promise<number> {
    return (await this.client.query('SHOW SERVERS')).rows.length;
  }

  /** Clients that are in, and the addresses that they came from; not those of the console. */
  async clients(): Promise<PooledClient[]> {
    const { rows } = await this.client.query<{ id: string; addr: string }>('SHOW CLIENTS');
    return rows.filter(({ addr }) => addr !== 'unix').map(({ id, addr }) => ({ id: String(id), source: addr }));
  }

  /** Clients that have said who they are, and are not in yet. */
  async loggingIn(): Promise<{ readonly source: string; readonly since: number }[]> {
    const { rows } = await this.client.query<SocketRow>('SHOW SOCKETS');
    return rows
      .filter(({ state, user, addr }) => state === 'cl_login' && addr !== 'unix' && user !== null && user !== '(nouser)')
      .map(({ addr, connect_time: since }) => ({ source: addr, since: Date.parse(since.replace(' UTC', 'Z').replace(' ', 'T')) }));
  }

  /** The numbers of the clients that have a server. */
  async clientsWithServers(): Promise<string[]> {
    const { rows } = await this.client.query<{ id: string; link: string }>('SHOW CLIENTS');
    return rows.filter(({ link }) => link !== '').map(({ id }) => String(id));
  }
}
