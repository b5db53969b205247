import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { ProblemError } from '../problems/problem.js';
import { connectRedis } from './connect-redis.js';

/**
 * What all processes of the API remember together and may lose: who is signed in, and who guessed how often. It is opened by the
 * first that asks for something.
 */
@Injectable()
export class SharedMemory implements OnModuleDestroy {
  readonly redis: Redis;

  constructor(@Inject(SETTINGS) { REDIS_URL }: Settings) {
    this.redis = connectRedis(REDIS_URL, { blocking: false, lazy: true });
    // Who asks is told; without a listener the error would end the process.
    this.redis.on('error', () => undefined);
  }

  /** @throws ProblemError `unavailable` while Redis cannot be reached */
  async ask<Result>(question: (redis: Redis) => Promise<Result>): Promise<Result> {
    try {
      return await question(this.redis);
    } catch (error) {
      // What is no error is a refusal by what asked.
      if (!(error instanceof Error)) throw error;
      throw new ProblemError('unavailable', 'sessions cannot be looked up', { hint: 'try again in a moment, or use an API key' });
    }
  }

  onModuleDestroy(): void {
    this.redis.disconnect();
  }
}
