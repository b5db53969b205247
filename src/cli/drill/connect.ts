import pg from 'pg';

const ANSWER_WITHIN_MS = 15_000;

/** A database and a role of it: a URI, or what one is made of. */
export type Server = string | pg.ClientConfig;

/** Connects to a database, such as a canary as its owner. */
export async function connect(server: Server, queryTimeoutMs = ANSWER_WITHIN_MS): Promise<pg.Client> {
  const options = typeof server === 'string' ? { connectionString: server } : server;
  const client = new pg.Client({ ...options, connectionTimeoutMillis: ANSWER_WITHIN_MS, query_timeout: queryTimeoutMs });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The same for as long as `body` runs. */
export async function withClient<T>(server: Server, body: (client: pg.Client) => Promise<T>, queryTimeoutMs?: number): Promise<T> {
  const client = await connect(server, queryTimeoutMs);
  try {
    return await body(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
