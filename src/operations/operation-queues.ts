import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { connectRedis } from '../redis/connect-redis.js';
import { QUEUES, type QueueName } from './definition.js';
import type { DueOperation } from './store.js';

/** What a job carries: the operation's id and nothing else. The metadata database is the truth. */
export interface OperationJob {
  readonly operationId: string;
}

/** The alarm clock: wakes a worker for an operation, now or later. */
export class OperationQueues {
  private readonly connection: Redis;
  /** Made when Redis is first seen, and anew after a fault: a queue that failed to begin stays unusable. */
  private readonly queues = new Map<string, Queue>();

  constructor(redisUrl: string) {
    this.connection = connectRedis(redisUrl, { blocking: false });
    // The next enqueue notices a lost connection; without a listener the error would end the process.
    this.connection.on('error', () => undefined);
  }

  /** Enqueues an operation; false if Redis cannot be reached, in which case the sweeper runs it. */
  async enqueue(operation: DueOperation, delayMs: number): Promise<boolean> {
    if (this.connection.status !== 'ready') return false;
    try {
      await this.queue(operation.queue).add('run', { operationId: operation.id } satisfies OperationJob, { delay: delayMs });
      return true;
    } catch {
      this.forget(operation.queue);
      return false;
    }
  }

  /** Jobs that wait in each queue; throws if Redis cannot be reached. */
  async depths(): Promise<Record<QueueName, number>> {
    const depths = await Promise.all(QUEUES.map(async (name) => [name, await this.queue(name).getWaitingCount()] as const));
    return Object.fromEntries(depths) as Record<QueueName, number>;
  }

  /** Whether Redis answers. */
  async isReachable(): Promise<boolean> {
    try {
      return this.connection.status === 'ready' && (await this.connection.ping()) === 'PONG';
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(() => undefined)));
    this.connection.disconnect();
  }

  private queue(name: string): Queue {
    const known = this.queues.get(name);
    if (known) return known;
    const queue = new Queue(name, { connection: this.connection, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } });
    queue.on('error', () => undefined);
    this.queues.set(name, queue);
    return queue;
  }

  private forget(name: string): void {
    void this.queues.get(name)?.close().catch(() => undefined);
    this.queues.delete(name);
  }
}
