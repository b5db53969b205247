/** A transaction in memory: its writes happen together at its end, or not at all. */
export class MemoryTx {
  private readonly writes: (() => void)[] = [];

  write(change: () => void): void {
    this.writes.push(change);
  }

  commit(): void {
    for (const change of this.writes) change();
  }
}
