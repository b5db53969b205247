import { type Evidence, KNOWN_FOR_MS } from './merge-outages.js';
import type { OutageCause, Span } from './outage.js';

/** What a look at a database, or a probe of its endpoint, says of whether clients can use it. */
export interface Observation {
  readonly atMs: number;
  /** Since when it has been so, for what was found out only later; since now if left out. */
  readonly sinceMs?: number;
  readonly source: 'watch' | 'probe';
  /**
   * `waits`: it answers, and commits wait for a standby, which is an outage only if it lasts; `unclear`: something is odd and
   * may turn out to be the beginning of an outage; `blind`: the observer cannot trust what it sees.
   */
  readonly is: 'up' | 'down' | 'waits' | 'unclear' | 'blind';
  readonly cause: OutageCause;
  readonly reason: string;
}

/** Commits that wait for so long are an outage: longer than a standby that reconnects keeps them waiting. */
const WAITS_TO_BE_DOWN_MS = 3_000;

/** What a tracker has to have recorded. */
export interface Pending {
  /** Outages that it has seen; the last one may still go on. */
  readonly outages: readonly Evidence[];
  /** Times in which it was observed; the last one goes on. */
  readonly observed: readonly Span[];
  /** Since when it has been up without a break; undefined while it is not, or is not known to be. */
  readonly upSinceMs: number | undefined;
}

/** Makes outages of what is observed of one database, one observation after the other; it keeps them until they are recorded. */
export class OutageTracker {
  private readonly ended: Evidence[] = [];
  private open: Evidence | undefined;
  private readonly observed: Span[] = [];
  private suspectedSinceMs: number | undefined;
  private upSinceMs: number | undefined;
  private isProbeDown = false;
  private isWatchDown = false;
  /** A client got through while the watch saw nothing: what the watch says does not count until it sees again. */
  private isWatchOverruled = false;

  take(observation: Observation): void {
    const { atMs, source, is } = observation;
    if (is === 'blind' || is === 'unclear') {
      if (source === 'watch') this.suspectedSinceMs = is === 'unclear' ? this.suspectedSinceMs ?? atMs : undefined;
      else if (is === 'blind') this.endProbing();
      return;
    }
    this.observe(atMs);
    if (source === 'probe') this.takeProbe(observation);
    else this.takeLook(observation);
  }

  /** What has to be recorded, as it is now. */
  pending(): Pending {
    return { outages: [...this.ended, ...(this.open ? [this.open] : [])], observed: [...this.observed], upSinceMs: this.upSinceMs };
  }

  /** Forgets what was recorded and goes on no more. */
  forget({ outages, observed }: Pending): void {
    this.ended.splice(0, outages.filter(({ endMs }) => endMs !== null).length);
    this.observed.splice(0, Math.max(0, observed.length - 1));
  }

  /** Whether something is wrong, so that it should be probed at once and often. */
  get isSuspected(): boolean {
    return this.open !== undefined || this.suspectedSinceMs !== undefined || this.isWatchDown;
  }

  /** Without probes the watch alone has to tell. */
  private endProbing(): void {
    this.isProbeDown = false;
    this.isWatchOverruled = false;
  }

  private takeLook(observation: Observation): void {
    const { atMs, is } = observation;
    if (is === 'up') {
      this.suspectedSinceMs = undefined;
      this.isWatchDown = false;
      this.isWatchOverruled = false;
      if (!this.isProbeDown) this.see(atMs);
      return;
    }
    const sinceMs = this.suspectedSinceMs ?? atMs;
    this.suspectedSinceMs = sinceMs;
    if (is === 'waits' && atMs - sinceMs < WAITS_TO_BE_DOWN_MS) return;
    this.isWatchDown = true;
    if (!this.isWatchOverruled) this.miss(observation, sinceMs);
  }

  private takeProbe(observation: Observation): void {
    this.isProbeDown = observation.is === 'down';
    if (this.isProbeDown) return this.miss(observation, observation.sinceMs ?? observation.atMs);
    this.isWatchOverruled = this.isWatchDown;
    this.see(observation.atMs);
  }

  private see(atMs: number): void {
    this.upSinceMs ??= atMs;
    if (!this.open) return;
    this.ended.push({ ...this.open, endMs: atMs });
    this.open = undefined;
    this.upSinceMs = atMs;
  }

  private miss({ atMs, source, cause, reason }: Observation, sinceMs: number): void {
    this.upSinceMs = undefined;
    // What the customer has done to their database ends where something worse begins, and the other way round.
    if (this.open && (this.open.cause === 'customer') !== (cause === 'customer')) {
      this.ended.push({ ...this.open, endMs: Math.max(sinceMs, this.open.lastDownMs) });
      this.open = undefined;
    }
    const { open } = this;
    if (!open) {
      this.open = { startMs: sinceMs, lastDownMs: atMs, endMs: null, cause, planned: false, sources: [source], operationId: null, reason };
      return;
    }
    const isWide = open.cause === 'host' && cause === 'data-center';
    this.open = {
      ...open, lastDownMs: atMs, ...(isWide && { cause, reason }),
      sources: open.sources.includes(source) ? open.sources : [...open.sources, source].sort(),
    };
  }

  private observe(atMs: number): void {
    const last = this.observed.at(-1);
    if (last && atMs >= last.toMs && atMs - last.toMs <= KNOWN_FOR_MS) this.observed[this.observed.length - 1] = { ...last, toMs: atMs };
    else if (!last || atMs > last.toMs) this.observed.push({ fromMs: atMs, toMs: atMs });
    // A clock that was set back tells nothing new until it has caught up.
  }
}
