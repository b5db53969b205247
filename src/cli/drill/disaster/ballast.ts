import { randomBytes } from 'node:crypto';
import pg from 'pg';

const CHUNK_BYTES = 2 ** 20;

/** Makes the bulk of a canary's data this large, of bytes that cannot be compressed; answers whether it was another size. */
export function setBallast(uri: string, mebibytes: number, signal: AbortSignal): Promise<boolean> {
  return withClient(uri, async (client) => {
    await client.query('CREATE TABLE IF NOT EXISTS ballast (data bytea NOT NULL, digest bytea NOT NULL)');
    const { rows } = await client.query<{ chunks: number }>('SELECT count(*)::integer AS chunks FROM ballast');
    if (rows[0]?.chunks === mebibytes) return false;
    await client.query('TRUNCATE ballast');
    for (let count = 0; count < mebibytes; count += 1) {
      signal.throwIfAborted();
      await client.query('INSERT INTO ballast SELECT $1::bytea, sha256($1::bytea)', [randomBytes(CHUNK_BYTES)]);
    }
    return true;
  });
}

/** How many chunks of it are missing, or are not what they were. */
export function countDamaged(uri: string, mebibytes: number): Promise<number> {
  return withClient(uri, async (client) => {
    const { rows } = await client.query<{ sound: number }>('SELECT count(*)::integer AS sound FROM ballast WHERE sha256(data) = digest');
    return Math.abs(mebibytes - (rows[0]?.sound ?? 0));
  });
}

async function withClient<T>(uri: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 15_000, query_timeout: 60_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
