import { Injectable } from '@nestjs/common';
import { SharedMemory } from '../../redis/shared-memory.js';

/** A session as it is kept in Redis, under the hash of its token. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  /** The session ends when this is not the user's any more. */
  readonly epoch: number;
  /** Whether a password was asked for, or another provider did the asking. */
  readonly by: 'password' | 'provider';
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly address: string | null;
  /** What the client said that it is. */
  readonly agent: string | null;
}

export interface KeptSession extends SessionRecord {
  readonly hash: string;
  readonly lastUsedAt: number;
}

const sessionKey = (hash: string): string => `freehold:session:${hash}`;
/** The hashes of a user's sessions, each with the time of its last use. */
const indexKey = (userId: string): string => `freehold:sessions:${userId}`;
const errandKey = (hash: string): string => `freehold:errand:${hash}`;
const ticketKey = (hash: string): string => `freehold:ticket:${hash}`;

/** Sessions in Redis: all processes of the API see the same, and a loss of Redis signs people out. */
@Injectable()
export class SessionStore {
  constructor(private readonly memory: SharedMemory) {}

  async put(hash: string, record: SessionRecord, idleMs: number): Promise<void> {
    const { userId, expiresAt } = record;
    const now = Date.now();
    await this.memory.ask((redis) => Promise.all([
      redis.set(sessionKey(hash), JSON.stringify(record), 'PX', Math.max(1, Math.min(idleMs, expiresAt - now))),
      redis.zadd(indexKey(userId), now, hash),
      redis.pexpireat(indexKey(userId), expiresAt),
    ]));
  }

  /** Undefined once it has ended. */
  async find(hash: string): Promise<SessionRecord | undefined> {
    const text = await this.memory.ask((redis) => redis.get(sessionKey(hash)));
    const record = text === null ? undefined : (JSON.parse(text) as SessionRecord);
    return record && record.expiresAt > Date.now() ? record : undefined;
  }

  /** It is in use, and so is kept for as long again. */
  async touch(hash: string, { userId, expiresAt }: SessionRecord, idleMs: number): Promise<void> {
    const now = Date.now();
    await this.memory.ask((redis) => Promise.all([
      redis.pexpire(sessionKey(hash), Math.max(1, Math.min(idleMs, expiresAt - now))),
      // XX: one that was ended meanwhile does not come back.
      redis.zadd(indexKey(userId), 'XX', now, hash),
    ]));
  }

  /** Those of a user that are there still, the one that was used last first. */
  async list(userId: string): Promise<KeptSession[]> {
    return this.memory.ask(async (redis) => {
      const scored = await redis.zrevrange(indexKey(userId), 0, -1, 'WITHSCORES');
      const hashes = scored.filter((_, index) => index % 2 === 0);
      if (hashes.length === 0) return [];
      const texts = await redis.mget(hashes.map(sessionKey));
      const gone = hashes.filter((_, index) => texts[index] === null);
      if (gone.length > 0) await redis.zrem(indexKey(userId), ...gone);
      return hashes.flatMap((hash, index) => {
        const text = texts[index];
        return text ? [{ ...(JSON.parse(text) as SessionRecord), hash, lastUsedAt: Number(scored[2 * index + 1]) }] : [];
      });
    });
  }

  async remove(userId: string, hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return;
    await this.memory.ask((redis) => Promise.all([redis.del(hashes.map(sessionKey)), redis.zrem(indexKey(userId), ...hashes)]));
  }

  /** Remembers for a short time that the first step of a sign-in was taken. */
  async putTicket(hash: string, ticket: Ticket, ttlMs: number): Promise<void> {
    await this.memory.ask((redis) => redis.set(ticketKey(hash), JSON.stringify(ticket), 'PX', ttlMs));
  }

  async findTicket(hash: string): Promise<Ticket | undefined> {
    const text = await this.memory.ask((redis) => redis.get(ticketKey(hash)));
    return text === null ? undefined : (JSON.parse(text) as Ticket);
  }

  /** Remembers for a short time who was sent to a provider. */
  async putErrand(hash: string, errand: Errand, ttlMs: number): Promise<void> {
    await this.memory.ask((redis) => redis.set(errandKey(hash), JSON.stringify(errand), 'PX', ttlMs));
  }

  /** Of two who come back with it at once, one gets in. */
  async takeErrand(hash: string): Promise<Errand | undefined> {
    const text = await this.memory.ask((redis) => redis.getdel(errandKey(hash)));
    return text === null ? undefined : (JSON.parse(text) as Errand);
  }

  /** Uses a ticket up: of two who come with it at once, one gets in. */
  async takeTicket(hash: string): Promise<boolean> {
    return (await this.memory.ask((redis) => redis.del(ticketKey(hash)))) === 1;
  }
}

/** What a provider is to be asked about, from the way there to the way back. */
export type Errand = Readonly<Record<string, unknown>>;

/** Who has given the right password, and has still to give a code. */
export interface Ticket {
  readonly userId: string;
  readonly epoch: number;
}
