import type pg from 'pg';

import { connect, type Server, withClient } from './connect.js';

/** What a writer saw since it was last asked to begin anew. */
export interface WriterReport {
  readonly acknowledged: readonly number[];
  /** When each of them was, in milliseconds since the epoch. */
  readonly acknowledgedAtMs: readonly number[];
  /** Statements and connections that failed. */
  readonly errors: number;
  /** The longest time between two acknowledgements, in milliseconds. */
  readonly longestGapMs: number;
  /** When that time ended, in milliseconds since the epoch. */
  readonly longestGapEndedAtMs: number;
}

export interface WriterOptions {
  /** A rest after each acknowledgement, in milliseconds; without one it writes as fast as it can. */
  readonly restMs?: number;
  /** Where it writes to; {@link TABLE} if left out. */
  readonly table?: string;
}

const TABLE = 'numbers';

/** A moment between two writes, so that the writer does not take what it measures. */
export const WRITER_REST_MS = 1;
/** How long the writer waits after an error before it connects again, as a client's pool would. */
const RECONNECT_MS = 10;

/**
 * The oracle of every failover: inserts numbered rows, one a transaction, and remembers which were acknowledged. A row
 * whose insert failed counts as unknown: it may be there or not, and its number is never used again.
 */
export class NumberedWriter {
  private readonly acknowledged: number[] = [];
  private readonly acknowledgedAtMs: number[] = [];
  private errors = 0;
  private next = 1;
  private lastAt = 0;
  private longestGapMs = 0;
  private longestGapEndedAtMs = Date.now();
  private roundStart = { acknowledged: 0, errors: 0 };
  private stopping = false;
  private running: Promise<void> = Promise.resolve();

  private readonly table: string;

  private constructor(private readonly server: Server, private readonly options: WriterOptions) {
    this.table = options.table ?? TABLE;
  }

  /** Makes the table, or goes on after the highest number in it, and begins to write. */
  static async start(server: Server, options: WriterOptions = {}): Promise<NumberedWriter> {
    const writer = new NumberedWriter(server, options);
    const client = await connect(server);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${writer.table} (n bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    );
    const { rows } = await client.query<{ n: string }>(`SELECT coalesce(max(n), 0) + 1 AS n FROM ${writer.table}`);
    writer.next = Number(rows[0]?.n ?? 1);
    writer.lastAt = performance.now();
    writer.running = writer.write(client);
    return writer;
  }

  get count(): number {
    return this.acknowledged.length;
  }

  /** Statements and connections that failed so far. */
  get errorCount(): number {
    return this.errors;
  }

  /** Milliseconds since the last acknowledgement. */
  get silentMs(): number {
    return performance.now() - this.lastAt;
  }

  /** Forgets the longest gap so far, so that the next one can be measured alone. */
  resetGap(): void {
    this.longestGapMs = 0;
    this.lastAt = performance.now();
  }

  /** From here on {@link round} counts. */
  beginRound(): void {
    this.resetGap();
    this.roundStart = { acknowledged: this.acknowledged.length, errors: this.errors };
  }

  /** What was seen since {@link beginRound}; a silence that still lasts counts too. */
  round(): WriterReport {
    const { silentMs } = this;
    return {
      acknowledged: this.acknowledged.slice(this.roundStart.acknowledged),
      acknowledgedAtMs: this.acknowledgedAtMs.slice(this.roundStart.acknowledged),
      errors: this.errors - this.roundStart.errors,
      longestGapMs: Math.max(this.longestGapMs, silentMs),
      longestGapEndedAtMs: silentMs > this.longestGapMs ? Date.now() : this.longestGapEndedAtMs,
    };
  }

  /** Everything since the start; it goes on writing. */
  report(): WriterReport {
    return {
      acknowledged: [...this.acknowledged],
      acknowledgedAtMs: [...this.acknowledgedAtMs],
      errors: this.errors,
      longestGapMs: this.longestGapMs,
      longestGapEndedAtMs: this.longestGapEndedAtMs,
    };
  }

  /** The same, once it has ended. */
  async stop(): Promise<WriterReport> {
    this.stopping = true;
    await this.running;
    return this.report();
  }

  private async write(first: pg.Client): Promise<void> {
    let client: pg.Client | undefined = first;
    while (!this.stopping) {
      const number = this.next++;
      try {
        client ??= await connect(this.server);
        await client.query(`INSERT INTO ${this.table} (n) VALUES ($1)`, [number]);
        this.note(number);
        if (this.options.restMs !== undefined) await rest(this.options.restMs);
      } catch {
        this.errors += 1;
        client?.end().catch(() => undefined);
        client = undefined;
        await rest(RECONNECT_MS);
      }
    }
    await client?.end().catch(() => undefined);
  }

  private note(number: number): void {
    const now = performance.now();
    if (now - this.lastAt > this.longestGapMs) {
      this.longestGapMs = now - this.lastAt;
      this.longestGapEndedAtMs = Date.now();
    }
    this.lastAt = now;
    this.acknowledged.push(number);
    this.acknowledgedAtMs.push(Date.now());
  }
}

/** The acknowledged rows that the database does not have: the promise is that there are none. */
export function lostRows(server: Server, { acknowledged }: Pick<WriterReport, 'acknowledged'>, table = TABLE): Promise<number[]> {
  return withClient(server, async (client) => {
    const { rows } = await client.query<{ n: string }>(
      `SELECT n FROM unnest($1::bigint[]) AS n WHERE NOT EXISTS (SELECT FROM ${table} AS there WHERE there.n = n.n) ORDER BY n`,
      [acknowledged],
    );
    return rows.map(({ n }) => Number(n));
  });
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
