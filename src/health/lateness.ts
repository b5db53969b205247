/** How often it is measured. */
const TICK_MS = 100;
/** For how long it is remembered: longer than any look takes. */
const REMEMBERED_MS = 5_000;
/** Less is a timer's usual inaccuracy. */
const WORTH_KEEPING_MS = 20;

/**
 * How late this process is: by how much a timer of its own comes after its time. It is late when something keeps its event
 * loop busy, and when the machine gives it no processor.
 */
export class Lateness {
  private readonly late: { readonly at: number; readonly ms: number }[] = [];
  private tickedAt = performance.now();
  private timer: NodeJS.Timeout | undefined;

  start(): void {
    this.tickedAt = performance.now();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** The most by which it has been late since that moment of `performance.now()`, now included. */
  worstSince(moment: number): number {
    return Math.max(this.presentMs(), ...this.late.filter(({ at }) => at >= moment).map(({ ms }) => ms));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const ms = this.presentMs();
    const at = performance.now();
    this.tickedAt = at;
    while (this.late[0] && this.late[0].at < at - REMEMBERED_MS) this.late.shift();
    if (ms > WORTH_KEEPING_MS) this.late.push({ at, ms });
  }

  private presentMs(): number {
    return Math.max(0, performance.now() - this.tickedAt - TICK_MS);
  }
}
