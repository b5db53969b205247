import pg from 'pg';

import { timeIsOver } from '../wait-until.js';
import { readPort, type InstanceContext } from './instance-context.js';
import { CONTROL_USER } from './sql.js';

/** What must answer answers within milliseconds; what does not, hangs. */
const CONNECT_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_MS = 10_000;

export interface ControlOptions {
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
  /** For a single query; unlimited but for the signal if not given. */
  readonly queryTimeoutMs?: number;
}

/**
 * Connects to an instance as the control plane, with its identity checked, for as long as `body` runs.
 *
 * For what only observes, or does no harm however late it comes, such as a CHECKPOINT. Other effects go through a gate.
 */
export async function withControl<T>(context: InstanceContext, options: ControlOptions, body: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient(await controlClient(context, options), options.signal, body);
}

/** A client of the control plane's that is not connected yet. */
export async function controlClient(context: InstanceContext, options: Omit<ControlOptions, 'signal'>): Promise<pg.Client> {
  const port = await readPort(context);
  if (port === undefined) throw new Error(`instance ${context.instance.id} has no port yet`);
  const authority = await context.fleet.authorityCertificate(context.instance.database.region);
  return new pg.Client({
    host: context.address,
    port,
    user: CONTROL_USER,
    password: context.instance.database.secrets.control,
    // Never the customer's: what a customer made there would run with a superuser's rights.
    database: 'postgres',
    application_name: 'freehold-control',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    ssl: { ca: authority, minVersion: 'TLSv1.2' },
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ...(options.queryTimeoutMs ? { query_timeout: options.queryTimeoutMs } : {}),
  });
}

/** Connects a client, cuts it when the signal says so, and ends it; an aborted signal is what a failure is blamed on. */
export async function withClient<T>(client: pg.Client, signal: AbortSignal, body: (client: pg.Client) => Promise<T>): Promise<T> {
  client.on('error', () => undefined);
  const cut = (): void => cutConnection(client);
  signal.addEventListener('abort', cut, { once: true });
  try {
    if (signal.aborted) throw timeIsOver('a connection', signal);
    await client.connect();
    return await body(client);
  } catch (error) {
    throw signal.aborted ? timeIsOver('an answer from the server', signal) : error;
  } finally {
    signal.removeEventListener('abort', cut);
    // Said goodbye to, but not waited for: a server that hangs would not answer.
    client.end().catch(() => undefined);
    setTimeout(cut, GOODBYE_MS).unref();
  }
}

const GOODBYE_MS = 1_000;

/** Ends a connection without a word. */
export function cutConnection(client: pg.Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  stream.destroy();
}
