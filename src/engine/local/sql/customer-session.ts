import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';

import pg from 'pg';

import { withClient } from './control-connection.js';
import { transactionSettings } from './session-settings.js';

const CONNECT_WITHIN_MS = 10_000;

/** Where a database's owner logs in, and how. */
export interface Customer {
  readonly address: string;
  readonly port: number;
  /** The name that the certificate must carry. */
  readonly host: string;
  readonly authority: string;
  readonly owner: string;
  readonly password: string;
  /** An address of this machine's that the connection comes from; what the system chooses if left out. */
  readonly from?: string;
}

/** A socket that connects from an address. */
export function socketFrom(localAddress: string): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket) as (to: { port: number; host: string; localAddress: string }) => Socket;
  return Object.assign(socket, { connect: (port: number, host: string) => connect({ port, host, localAddress }) });
}

/** What the server says of its version when a client connects, such as `15.18`: to ask would be a statement under the tenant's settings. */
function serverVersionOf(client: pg.Client): () => string {
  let version = '';
  (client as unknown as { connection: EventEmitter }).connection.on(
    'parameterStatus',
    (said: { parameterName: string; parameterValue: string }) => {
    if (said.parameterName === 'server_version') version = said.parameterValue;
  });
  return () => version;
}

/** Logs in as a database's owner, for as long as `body` runs. */
export function asCustomer<T>(
  customer: Customer, database: string, signal: AbortSignal, body: (session: CustomerSession) => Promise<T>,
): Promise<T> {
  const { address, port, host, authority, owner, password, from } = customer;
  const client = new pg.Client({
    host: address,
    port,
    user: owner,
    password,
    database,
    application_name: 'freehold-verify',
    // The gateway's loopback address is reached in any case; the certificate must carry the endpoint's name.
    ssl: { ca: authority, minVersion: 'TLSv1.2', host },
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    ...(from !== undefined && { stream: () => socketFrom(from) }),
  });
  const version = serverVersionOf(client);
  return withClient(client, signal, () => body(new CustomerSession(client, version())));
}

/**
 * A session of the owner's in which nothing that the tenant set or made changes what a statement means: each transaction
 * is one message that begins by fixing the settings, since a gateway takes no options at the start of a connection.
 */
export class CustomerSession {
  constructor(private readonly client: pg.Client, private readonly version: string) {}

  /** Runs statements, none of which may hold a semicolon, in one transaction; answers with what each of them found. */
  async transact(access: 'READ WRITE' | 'READ ONLY', ...statements: readonly string[]): Promise<pg.QueryResult[]> {
    const text = [`BEGIN ISOLATION LEVEL READ COMMITTED ${access}`, ...transactionSettings(this.version), ...statements, 'COMMIT'].join(
      '; ',
    );
    try {
      const results = (await this.client.query(text)) as unknown as pg.QueryResult[];
      return results.slice(-1 - statements.length, -1);
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}
