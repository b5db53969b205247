import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { ProblemError } from '../problems/problem.js';

export interface Limit {
  /** Under which its counts are kept in Redis. */
  readonly name: string;
  /** How many there may be in a window. */
  readonly points: number;
  readonly windowSeconds: number;
}

/** How late the processes hear of what was counted by the others, in milliseconds. */
const TELL_EVERY_MS = 100;

/**
 * Counts requests of one key, or address, in this process at once, and in Redis for all processes together.
 *
 * No request waits for Redis: what was counted is told in the background, that of one key together, and a key that made too many in
 * all is refused here from then on until its window ends. While Redis cannot be reached, each process counts for itself.
 */
export class SharedLimiter {
  private readonly own: RateLimiterMemory;
  private readonly all: RateLimiterRedis;
  private readonly untold = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly redis: Redis, { name, points, windowSeconds }: Limit) {
    this.own = new RateLimiterMemory({ points, duration: windowSeconds });
    // Windows of what is told are not those of what was counted: who keeps to the limit must not be refused for that.
    const slack = Math.ceil((points / windowSeconds) * ((2 * TELL_EVERY_MS) / 1_000));
    this.all = new RateLimiterRedis({
      // A limit that was changed counts anew.
      storeClient: redis, keyPrefix: `freehold:limit:${name}:${points}`, points: points + slack, duration: windowSeconds,
    });
  }

  /** @throws ProblemError `rate-limited` */
  async consume(key: string): Promise<void> {
    this.untold.set(key, (this.untold.get(key) ?? 0) + 1);
    this.timer ??= setTimeout(() => this.tell(), TELL_EVERY_MS).unref();
    try {
      await this.own.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw new ProblemError('rate-limited', 'too many requests', { retryAfterSeconds: secondsUntilNext(refusal) });
    }
  }

  /** Tells nothing any more. */
  close(): void {
    clearTimeout(this.timer);
  }

  private tell(): void {
    this.timer = undefined;
    const counts = [...this.untold];
    this.untold.clear();
    if (this.redis.status !== 'ready') return;
    for (const [key, count] of counts) {
      this.all.consume(key, count).catch((refusal: unknown) => {
        // Redis that went away is no refusal.
        if (refusal instanceof RateLimiterRes) void this.own.block(key, secondsUntilNext(refusal));
      });
    }
  }
}

const secondsUntilNext = ({ msBeforeNext }: RateLimiterRes): number => Math.max(1, Math.ceil(msBeforeNext / 1000));
