import { randomBytes } from 'node:crypto';

import { withClient } from '../connect.js';

const CHUNK_BYTES = 2 ** 20;
/** All of it is read at once. */
const ANSWER_WITHIN_MS = 60_000;

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
  }, ANSWER_WITHIN_MS);
}

/** How many chunks of it are missing, or are not what they were. */
export function countDamaged(uri: string, mebibytes: number): Promise<number> {
  return withClient(uri, async (client) => {
    const { rows } = await client.query<{ sound: number }>('SELECT count(*)::integer AS sound FROM ballast WHERE sha256(data) = digest');
    return Math.abs(mebibytes - (rows[0]?.sound ?? 0));
  }, ANSWER_WITHIN_MS);
}
