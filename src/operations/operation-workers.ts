import { Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from './definition.js';
import type { Duty } from './duty.js';
import { connectRedis } from '../redis/connect-redis.js';
import type { OperationJob, OperationQueues } from './operation-queues.js';
import type { RunResult } from './runner.js';

interface RunsOperations {
  run(operationId: string): Promise<RunResult>;
}

/**
 * One worker a queue. A job is only a wake-up: the lease in the metadata database decides who runs an operation, so a
 * job that stalled or came twice does no harm.
 *
 * Made by hand and not by @nestjs/bullmq: its processors name their concurrency in a decorator, before the settings are
 * read, and its queues cannot be made anew when Redis comes back, as {@link OperationQueues} does.
 */
export class OperationWorkers implements Duty {
  private readonly connections: Redis[] = [];
  private readonly workers: Worker[];

  constructor(
    redisUrl: string,
    private readonly runner: RunsOperations,
    private readonly queues: OperationQueues,
    atOnce: Readonly<Record<QueueName, number>>,
  ) {
    this.workers = (Object.entries(atOnce) as [QueueName, number][]).map(([queue, concurrency]) => {
      const connection = connectRedis(redisUrl, { blocking: true });
      connection.on('error', () => undefined);
      this.connections.push(connection);
      const worker = new Worker<OperationJob>(queue, (job) => this.process(job), {
        connection, concurrency, autorun: false, lockDuration: 10_000, stalledInterval: 2_000, maxStalledCount: 5, drainDelay: 5,
      });
      worker.on('error', () => undefined);
      return worker;
    });
  }

  start(): void {
    for (const worker of this.workers) void worker.run().catch(() => undefined);
  }

  private async process(job: Job<OperationJob>): Promise<void> {
    const { operationId } = job.data;
    const result = await this.runner.run(operationId);
    if (result.next === 'again') await this.queues.enqueue({ id: operationId, queue: result.queue }, result.inMs);
  }

  /** Waits for the jobs at hand, which end after their present step. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    for (const connection of this.connections) connection.disconnect();
  }
}
