import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

import pg from 'pg';

import { readPort, type InstanceContext } from '../fleet/instance-context.js';
import { CONTROL_USER } from './cluster-sql.js';
import { timeIsOver } from '../../wait-until.js';
import { sessionOptions, type TenantDatabase } from './session-settings.js';

/** A server that is well answers within milliseconds; one that takes longer hangs. */
const CONNECT_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_MS = 10_000;

export interface ControlOptions {
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
  /** For a single query; unlimited but for the signal if not given. */
  readonly queryTimeoutMs?: number;
  /** A customer's, for what reads nothing there but PostgreSQL's own catalogs; `postgres` unless given. */
  readonly database?: TenantDatabase;
}

/**
 * Connects to an instance as the control plane, with its identity checked, for as long as `body` runs.
 *
 * For what only observes, or does no harm however late it comes, such as a CHECKPOINT. Other effects go through a gate.
 */
export async function withControl<T>(
  context: InstanceContext, options: ControlOptions, body: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(await controlClient(context, options), options.signal, body);
}

/** A server that answers no query within this time is taken for hung. */
const ANSWER_WITHIN_MS = 2_000;
/** What pg says when a query's time is over. */
const SILENCE = 'Query read timeout';

/**
 * The same, within a bounded time for each query, through a session that may have served an earlier caller and is kept for
 * a later one. Where that has ended meanwhile, `body` is begun anew in a new one.
 *
 * It tells as much as a new one would: a setting that a new session shows has been announced to every old one before.
 */
export async function withKeptControl<T>(
  context: InstanceContext, signal: AbortSignal, body: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { sessions } = context.fleet;
  const use = async (client: pg.Client, work: () => Promise<T>): Promise<T> => {
    try {
      const answer = await whileWanted(client, signal, work);
      sessions.keep(context.instance.id, client, leave);
      return answer;
    } catch (error) {
      leave(client);
      throw error;
    }
  };
  const kept = sessions.take(context.instance.id);
  if (kept) {
    try {
      return await use(kept, () => body(kept));
    } catch (error) {
      if (signal.aborted || (error instanceof Error && error.message === SILENCE)) throw error;
    }
  }
  const client = await controlClient(context, { connectTimeoutMs: ANSWER_WITHIN_MS, queryTimeoutMs: ANSWER_WITHIN_MS });
  client.on('error', () => undefined);
  return use(client, async () => {
    await client.connect();
    return body(client);
  });
}

/** A query that may take another time than those of its session. */
export const bounded = (text: string, withinMs: number): pg.QueryConfig => Object.assign({ text }, { query_timeout: withinMs });

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
    database: options.database?.name ?? 'postgres',
    application_name: 'freehold-control',
    options: sessionOptions({ superuser: true, version: options.database?.version }),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    ssl: {
      ca: authority, minVersion: 'TLSv1.2', checkServerIdentity: (_, presented) => checkInstance(authority, context.address, presented),
    },
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ...(options.queryTimeoutMs ? { query_timeout: options.queryTimeoutMs } : {}),
  });
}

/**
 * What the fleet's own authority has signed must be for the instance's address. What a public one has signed was held to the
 * names of its operator when its chain was verified (`constrained-authority.ts`); an instance may present either for the
 * moment in which it is given the other.
 */
function checkInstance(authority: string, address: string, presented: PeerCertificate): Error | undefined {
  const isOwn = new X509Certificate(presented.raw).checkIssued(new X509Certificate(authority));
  return isOwn ? checkServerIdentity(address, presented) : undefined;
}

/** Connects a client, cuts it when the signal says so, and ends it; an aborted signal is what a failure is blamed on. */
export async function withClient<T>(client: pg.Client, signal: AbortSignal, body: (client: pg.Client) => Promise<T>): Promise<T> {
  client.on('error', () => undefined);
  try {
    return await whileWanted(client, signal, async () => {
      await client.connect();
      return body(client);
    });
  } finally {
    leave(client);
  }
}

async function whileWanted<T>(client: pg.Client, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const cut = (): void => cutConnection(client);
  signal.addEventListener('abort', cut, { once: true });
  try {
    if (signal.aborted) throw timeIsOver('a connection', signal);
    return await work();
  } catch (error) {
    throw signal.aborted ? timeIsOver('an answer from the server', signal) : error;
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

const GOODBYE_MS = 1_000;

/** Says goodbye, but does not wait: a server that hangs would not answer. */
function leave(client: pg.Client): void {
  client.end().catch(() => undefined);
  setTimeout(() => cutConnection(client), GOODBYE_MS).unref();
}

/** Ends a connection without a word. */
export function cutConnection(client: pg.Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  stream.destroy();
}
