import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { connectRedis } from '../redis/connect-redis.js';
import { SharedLimiter } from './shared-limiter.js';

const WINDOW_SECONDS = 10;
/** Wrong keys that one address may try in a minute; a right one is let in all the same. */
const WRONG_KEYS_A_MINUTE = 300;

/** How often requests may come, over all processes of the API. */
@Injectable()
export class RequestLimits implements OnApplicationShutdown {
  /** By credential. */
  readonly ofKeys: SharedLimiter;
  /** By address, of requests without a key. */
  readonly ofAddresses: SharedLimiter;
  /** By address. */
  readonly ofWrongKeys: SharedLimiter;
  private readonly redis: Redis;

  constructor(@Inject(SETTINGS) { REDIS_URL, FREEHOLD_REQUESTS_PER_SECOND: rate }: Settings) {
    this.redis = connectRedis(REDIS_URL, { blocking: false });
    // What was counted while it is away is not told; without a listener the error would end the process.
    this.redis.on('error', () => undefined);
    const points = rate * WINDOW_SECONDS;
    this.ofKeys = new SharedLimiter(this.redis, { name: 'key', points, windowSeconds: WINDOW_SECONDS });
    this.ofAddresses = new SharedLimiter(this.redis, { name: 'address', points, windowSeconds: WINDOW_SECONDS });
    this.ofWrongKeys = new SharedLimiter(this.redis, { name: 'wrong-key', points: WRONG_KEYS_A_MINUTE, windowSeconds: 60 });
  }

  onApplicationShutdown(): void {
    for (const limiter of [this.ofKeys, this.ofAddresses, this.ofWrongKeys]) limiter.close();
    this.redis.disconnect();
  }
}
