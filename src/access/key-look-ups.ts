import type { Metadata } from '../metadata/metadata.js';
import { poolOf } from '../metadata/pool-of.js';

/** What is known of a key, by its hash. */
export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly hash: Buffer;
  readonly revoked: boolean;
  readonly expired: boolean;
}

/**
 * Looks keys up, those of requests that arrived in the same turn of the event loop together: at many requests a second
 * that saves most of the statements. Every request is looked up after it has arrived, and nothing is kept.
 */
export class KeyLookUps {
  private gathering: { readonly hashes: Map<string, Buffer>; readonly rows: Promise<ReadonlyMap<string, KeyRow>> } | undefined;

  constructor(private readonly metadata: Metadata) {}

  async find(hash: Buffer): Promise<KeyRow | undefined> {
    this.gathering ??= this.gather();
    const { hashes, rows } = this.gathering;
    const name = hash.toString('base64');
    hashes.set(name, hash);
    return (await rows).get(name);
  }

  private gather() {
    const hashes = new Map<string, Buffer>();
    const rows = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.gathering = undefined;
      return this.query([...hashes.values()]);
    });
    return { hashes, rows };
  }

  private async query(hashes: readonly Buffer[]): Promise<ReadonlyMap<string, KeyRow>> {
    const { rows } = await poolOf(this.metadata.dataSource).query<KeyRow>({ name: 'find_keys', text: FIND, values: [hashes] });
    return new Map(rows.map((row) => [row.hash.toString('base64'), row]));
  }
}

const FIND = `
  SELECT id, name, scopes, hash, revoked_at IS NOT NULL AS revoked, coalesce(expires_at <= now(), false) AS expired
    FROM api_keys WHERE hash = ANY($1::bytea[])`;
