/** A server's last words are what explains a failure; what comes before them is not worth the memory. */
const DEFAULT_LIMIT_BYTES = 64 * 1024;

/** Keeps the end of a stream of bytes, bounded. */
export class OutputTail {
  private chunks: Buffer[] = [];
  private sizeBytes = 0;

  constructor(private readonly limitBytes = DEFAULT_LIMIT_BYTES) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.sizeBytes += chunk.length;
    if (this.sizeBytes > 2 * this.limitBytes) this.compact();
  }

  text(): string {
    this.compact();
    return this.chunks[0]?.toString('utf8') ?? '';
  }

  clear(): void {
    this.chunks = [];
    this.sizeBytes = 0;
  }

  private compact(): void {
    const whole = Buffer.concat(this.chunks);
    const tail = whole.subarray(Math.max(0, whole.length - this.limitBytes));
    this.chunks = [tail];
    this.sizeBytes = tail.length;
  }
}
