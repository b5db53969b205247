/** A process whose events wait while it is stopped, and never come once it is dead. */
export interface Owner {
  readonly name: string;
  /** Simulated time until which the process is stopped. */
  stalledUntil: number;
  dead: boolean;
}

interface Event {
  at: number;
  order: number;
  readonly what: string;
  readonly run: () => void;
  readonly owner: Owner | undefined;
  cancelled: boolean;
}

export interface TraceLine {
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/**
 * Simulated time. Everything that happens is an event of it, one after the other; what an event sets free in promises
 * has come to rest before the next one begins.
 */
export class Scheduler {
  now = 0;
  readonly trace: TraceLine[] = [];
  private readonly heap: Event[] = [];
  private order = 0;
  private restless = false;

  /** Lets something happen later; answers with how to prevent it. */
  schedule(delayMs: number, what: string, run: () => void, owner?: Owner): () => void {
    const event: Event = { at: this.now + delayMs, order: this.order++, what, run, owner, cancelled: false };
    this.push(event);
    return () => { event.cancelled = true; };
  }

  /** The event that runs has let a promise go on, which needs to come to rest. */
  disturb(): void {
    this.restless = true;
  }

  note(who: string, what: string): void {
    this.trace.push({ at: this.now, who, what });
  }

  /** Runs events until none is left, the time is over, or somebody says that it is enough; answers whether somebody did. */
  async run(options: { readonly untilMs: number; readonly until?: () => boolean; readonly afterEach?: () => void }): Promise<boolean> {
    for (;;) {
      if (options.until?.()) return true;
      const event = this.heap[0];
      if (!event || event.at > options.untilMs) {
        this.now = Math.max(this.now, options.untilMs);
        return false;
      }
      this.pop();
      if (event.cancelled || event.owner?.dead) continue;
      if (event.owner && event.owner.stalledUntil > event.at) {
        Object.assign(event, { at: event.owner.stalledUntil, order: this.order++ });
        this.push(event);
        continue;
      }
      this.now = event.at;
      if (event.what !== '') this.note(event.owner?.name ?? '', event.what);
      event.run();
      if (this.restless) await this.rest();
      options.afterEach?.();
    }
  }

  /** A turn of the real event loop comes only after every promise that could go on has gone on. */
  private async rest(): Promise<void> {
    this.restless = false;
    await new Promise<void>((resolve) => { setImmediate(resolve); });
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

export function formatTrace(trace: readonly TraceLine[]): string {
  return trace.map(({ at, who, what }) => `${at.toFixed(1).padStart(10)}  ${who.padEnd(8)}  ${what}`).join('\n');
}
