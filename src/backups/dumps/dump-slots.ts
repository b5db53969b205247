import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';
import type { Settings } from '../../config/settings.js';
import { SETTINGS } from '../../config/settings-token.js';

/** Dumps of one database at once, whichever process streams them (`GET /v1/databases/{id}/dump`). */
export const DUMPS_AT_ONCE = 2;

/** A slot that was taken, and how it is given back. */
export type DumpSlot = () => Promise<void>;

/**
 * The places in which dumps are streamed. Each is an advisory lock of the metadata database, so that all processes share
 * them, and those of a process that dies are free at once. One connection, opened for the first dump, holds all of a process.
 */
@Injectable()
export class DumpSlots implements OnModuleDestroy {
  private client: Promise<pg.Client> | undefined;
  /** A session that holds a lock is given it again when it asks: what this process has is known here. */
  private readonly taken = new Set<string>();

  constructor(@Inject(SETTINGS) private readonly settings: Pick<Settings, 'DATABASE_URL'>) {}

  /** A free slot of the database; undefined if there is none. */
  async take(databaseId: string): Promise<DumpSlot | undefined> {
    for (let number = 1; number <= DUMPS_AT_ONCE; number += 1) {
      const slot = await this.tryToTake(`dump ${number} of ${databaseId}`);
      if (slot) return slot;
    }
    return undefined;
  }

  async onModuleDestroy(): Promise<void> {
    await (await this.client?.catch(() => undefined))?.end();
  }

  private async tryToTake(name: string): Promise<DumpSlot | undefined> {
    if (this.taken.has(name)) return undefined;
    this.taken.add(name);
    try {
      const client = await (this.client ??= this.connect());
      const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS mine', [name]);
      if (rows[0]?.mine) return () => this.giveBack(client, name);
      this.taken.delete(name);
      return undefined;
    } catch (error) {
      this.taken.delete(name);
      throw error;
    }
  }

  private async giveBack(client: pg.Client, name: string): Promise<void> {
    // Whoever takes it next asks over the same connection, after this.
    this.taken.delete(name);
    // A session that has ended holds nothing any more.
    await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name]).catch(() => undefined);
  }

  private connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.settings.DATABASE_URL, keepAlive: true, application_name: 'freehold-dumps' });
    const connecting = client.connect();
    const forget = (): void => {
      if (this.client === connecting) this.client = undefined;
    };
    client.on('error', forget);
    client.on('end', forget);
    connecting.catch(forget);
    return connecting;
  }
}
