import { EventEmitter, on } from 'node:events';
import pg from 'pg';
import { reasonOf } from '../base/reason-of.js';
import { abortWith } from '../base/signals.js';
import type { Log } from '../telemetry/log.js';
import { OPERATION_CHANNEL } from './postgres-store.js';

const RECONNECT_MS = 500;
/** How often followers look by themselves while nothing is announced to them. */
const LOOK_WHILE_DEAF_MS = 1_000;
/** How often they look although they would be told: a connection may be dead without anybody having noticed. */
const LOOK_ALL_THE_SAME_MS = 15_000;

/** Tells the followers of an operation that it has changed; one connection listens for a whole process. */
export class OperationFeed {
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly closing = new AbortController();
  private client: pg.Client | undefined;
  private listens = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly databaseUrl: string, private readonly log: Log) {}

  async start(): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl, keepAlive: true, application_name: 'freehold-feed' });
    this.client = client;
    client.on('notification', ({ payload }) => this.changes.emit(payload ?? ''));
    client.on('error', () => undefined);
    client.on('end', () => this.reconnect());
    try {
      await client.connect();
      await client.query(`LISTEN ${OPERATION_CHANNEL}`);
      this.listens = true;
      // What was announced while nobody listened is looked for once.
      for (const operationId of this.changes.eventNames()) this.changes.emit(operationId);
    } catch (error) {
      this.log.warn({ reason: reasonOf(error) }, 'cannot listen for changes of operations');
      await client.end().catch(() => undefined);
      this.reconnect();
    }
  }

  private reconnect(): void {
    this.listens = false;
    if (this.closing.signal.aborted || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.start();
    }, RECONNECT_MS);
  }

  /** Yields at once, and whenever the operation may have changed, until the signal aborts or the feed is closed. */
  async *watch(operationId: string, signal: AbortSignal): AsyncGenerator<void> {
    const ends = new AbortController();
    abortWith(ends, signal, this.closing.signal);
    if (ends.signal.aborted) return;
    let looked = Date.now();
    const look = setInterval(() => {
      if (this.listens && Date.now() - looked < LOOK_ALL_THE_SAME_MS) return;
      looked = Date.now();
      this.changes.emit(operationId);
    }, LOOK_WHILE_DEAF_MS);
    // Listening begins before the first look, so that nothing falls in between.
    const announced = on(this.changes, operationId, { signal: ends.signal });
    try {
      yield;
      for await (const _ of announced) yield;
    } catch (error) {
      if (!ends.signal.aborted) throw error;
    } finally {
      clearInterval(look);
      await announced.return?.();
      ends.abort();
    }
  }

  /** Ends every watch, and the connection. */
  async close(): Promise<void> {
    this.closing.abort();
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }
}
