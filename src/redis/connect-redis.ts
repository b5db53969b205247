import { Redis } from 'ioredis';

/** A dead Redis must be noticed at once, so that whoever asks it can go another way. */
const COMMAND_TIMEOUT_MS = 1_000;
const RECONNECT_MS = 200;

export interface RedisConnectionOptions {
  /** Waits for what is to come, as workers of queues do, and so without a limit. */
  readonly blocking: boolean;
  /** Whether it is opened only by the first command. */
  readonly lazy?: boolean;
}

/** Opens a connection that comes back by itself. */
export function connectRedis(url: string, { blocking, lazy = false }: RedisConnectionOptions): Redis {
  return new Redis(url, {
    lazyConnect: lazy,
    maxRetriesPerRequest: blocking ? null : 1,
    retryStrategy: () => RECONNECT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    ...(blocking ? {} : { commandTimeout: COMMAND_TIMEOUT_MS }),
  });
}
