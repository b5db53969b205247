import pg from 'pg';

const ANSWER_WITHIN_MS = 15_000;

/** Connects to a canary as its owner. */
export async function connect(uri: string, queryTimeoutMs = ANSWER_WITHIN_MS): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: ANSWER_WITHIN_MS, query_timeout: queryTimeoutMs });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The same for as long as `body` runs. */
export async function withClient<T>(uri: string, body: (client: pg.Client) => Promise<T>, queryTimeoutMs?: number): Promise<T> {
  const client = await connect(uri, queryTimeoutMs);
  try {
    return await body(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
