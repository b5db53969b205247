import { EventEmitter, on } from 'node:events';
import pg from 'pg';
import type { Log } from '../config/log.js';
import { OPERATION_CHANNEL } from './postgres-store.js';

const RECONNECT_MS = 500;
/** How often followers look by themselves: an announcement may be lost while the connection is down. */
const LOOK_MS = 1_000;

/** Tells who follows an operation that it has changed; one connection listens for a whole process. */
export class OperationFeed {
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private client: pg.Client | undefined;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly databaseUrl: string, private readonly log: Log) {}

  async start(): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl, keepAlive: true, application_name: 'freehold-feed' });
    this.client = client;
    client.on('notification', ({ payload }) => this.changes.emit(payload ?? '', undefined));
    client.on('error', () => undefined);
    client.on('end', () => this.reconnect());
    try {
      await client.connect();
      await client.query(`LISTEN ${OPERATION_CHANNEL}`);
    } catch (error) {
      this.log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'cannot listen for changes of operations');
      await client.end().catch(() => this.reconnect());
    }
  }

  private reconnect(): void {
    if (this.closed || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.start();
    }, RECONNECT_MS);
  }

  /** Yields at once, and whenever the operation may have changed, until the signal aborts. */
  async *watch(operationId: string, signal: AbortSignal): AsyncGenerator<void> {
    const ends = new AbortController();
    const end = (): void => ends.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) ends.abort();
    const look = setInterval(() => this.changes.emit(operationId, undefined), LOOK_MS);
    // Listening begins before the first look, so that nothing falls in between.
    const announced = on(this.changes, operationId, { signal: ends.signal });
    try {
      yield;
      for await (const _ of announced) yield;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(look);
      signal.removeEventListener('abort', end);
      await announced.return?.();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }
}
