import pg from 'pg';

/** A client that writes numbered rows, one after the other, and remembers which were acknowledged. */
export class NumberedWriter {
  readonly acknowledged: number[] = [];
  readonly errors: Error[] = [];
  /** The longest time between two acknowledgements, in milliseconds. */
  longestWaitMs = 0;
  private number = 0;
  private going = true;
  private running: Promise<void> | undefined;
  private lastAt = performance.now();

  constructor(
    private readonly options: pg.ClientConfig,
    private readonly table: string,
  ) {}

  async start(): Promise<void> {
    const client = await this.connect();
    await client.query(`CREATE TABLE IF NOT EXISTS ${this.table} (n int PRIMARY KEY)`);
    this.lastAt = performance.now();
    this.running = this.run(client);
  }

  /** Ends the writing and answers with the rows that are there, read through the same way. */
  async stop(): Promise<number[]> {
    this.going = false;
    await this.running;
    const client = await this.connect();
    const { rows } = await client.query<{ n: number }>(`SELECT n FROM ${this.table} ORDER BY n`);
    await client.query(`DROP TABLE ${this.table}`);
    await client.end();
    return rows.map((row) => row.n);
  }

  /** Resolves with the next row that is acknowledged after this moment. */
  async next(): Promise<number> {
    const before = this.acknowledged.length;
    const deadline = Date.now() + 15_000;
    while (this.acknowledged.length <= before + 1 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
    return this.acknowledged.at(-1) ?? 0;
  }

  private async run(first: pg.Client): Promise<void> {
    let client: pg.Client | undefined = first;
    while (this.going) {
      this.number += 1;
      try {
        client ??= await this.connect();
        await client.query(`INSERT INTO ${this.table} VALUES (${this.number})`);
        this.acknowledged.push(this.number);
        this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - this.lastAt);
        this.lastAt = performance.now();
      } catch (error) {
        this.errors.push(error as Error);
        await client?.end().catch(() => undefined);
        client = undefined;
      }
    }
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ query_timeout: 20_000, ...this.options });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
