import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SightFeed } from '../health/sight-feed.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { type Interruption, OperationRegistry } from '../operations/registry.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { judgeOperation } from './judge-operation.js';
import { judgeSight } from './judge-sight.js';
import type { Evidence } from './merge-outages.js';
import { OutageRecords } from './outage-records.js';
import { type Observation, OutageTracker, type Pending } from './outage-tracker.js';

/** How soon an outage that begins or ends is recorded. */
const ROUND_MS = 1_000;
/** How often it is noted that databases are observed, and that an outage goes on: less than what is seen stays known. */
const NOTE_MS = 5_000;
/** Operations that ended while no worker could record it are found for as long. */
const LOOK_BACK_MS = 24 * 3_600_000;
/** Operations are asked for again for so long after their end: another worker's commit may be seen late. */
const OVERLAP_MS = 60_000;
/** A database that this worker's watch has looked at so lately is one of its own. */
const OWN_WITHIN_MS = 5_000;
/** What the watch saw so lately holds: it looks at a primary twice a second. */
const HOLDS_MS = 2_000;
/** A tracker of a database that this worker observes no more is let go. */
const FORGET_AFTER_MS = 60_000;

interface Tracked {
  readonly tracker: OutageTracker;
  /** What was recorded last of its outages. */
  recorded: string;
  observedAtMs: number;
  /** When the watch looked at it last, and when it saw its primary well. */
  lookedAtMs: number;
  wellAtMs: number;
}

/**
 * Records outages and the times in which databases were observed: from what this worker's watch sees, and from the clocks of
 * operations that interrupt. What cannot be recorded is kept until it can.
 */
@RunsInWorker
@Injectable()
export class UptimeKeeper implements Duty {
  private readonly tracked = new Map<string, Tracked>();
  /** What was recorded last of each operation that interrupted lately. */
  private readonly operations = new Map<string, string>();
  private readonly rounds: Rounds;
  private endFollowing: () => void = () => undefined;
  private notedAtMs = -Infinity;
  private readSinceMs = -Infinity;

  constructor(
    private readonly records: OutageRecords,
    private readonly feed: SightFeed,
    private readonly kinds: OperationRegistry<EntityManager>,
    @Inject(LOG) log: Log,
  ) {
    this.rounds = new Rounds({
      everyMs: ROUND_MS, round: () => this.keep(), whenFailed: 'outages could not be recorded: they are kept until they can', log,
    });
  }

  start(): void {
    this.endFollowing = this.feed.follow((seen) => this.take(seen.databaseId, judgeSight(seen)));
    this.rounds.start();
  }

  async stop(): Promise<void> {
    this.endFollowing();
    await this.rounds.stop();
    // Until when it was observed: the next worker goes on from there.
    this.notedAtMs = -Infinity;
    await this.keep().catch(() => undefined);
  }

  /** Takes what was observed of a database, now or by somebody who could not tell earlier. */
  take(databaseId: string, observation: Observation): void {
    const known = this.tracked.get(databaseId) ?? {
      tracker: new OutageTracker(), recorded: '[]', observedAtMs: 0, wellAtMs: -Infinity, lookedAtMs: -Infinity,
    };
    known.tracker.take(observation);
    known.observedAtMs = observation.atMs;
    if (observation.source === 'watch') known.lookedAtMs = observation.atMs;
    if (observation.source === 'watch' && (observation.is === 'up' || observation.is === 'waits')) known.wellAtMs = observation.atMs;
    this.tracked.set(databaseId, known);
  }

  /** The databases that this worker watches, and whether something is wrong with them. */
  observed(nowMs: number): readonly { readonly databaseId: string; readonly isSuspected: boolean }[] {
    return [...this.tracked].filter(([, { lookedAtMs }]) => nowMs - lookedAtMs < OWN_WITHIN_MS)
      .map(([databaseId, { tracker }]) => ({ databaseId, isSuspected: tracker.isSuspected }));
  }

  isPrimaryWell(databaseId: string): boolean {
    return Date.now() - (this.tracked.get(databaseId)?.wellAtMs ?? -Infinity) < HOLDS_MS;
  }

  private async keep(): Promise<void> {
    const nowMs = Date.now();
    const isTimeToNote = nowMs - this.notedAtMs >= NOTE_MS || nowMs < this.notedAtMs;
    const pending = [...this.tracked].map(([databaseId, tracked]) => ({ databaseId, tracked, pending: tracked.tracker.pending() }));
    // What is recorded of a database that is deleted ends with its life.
    const isNews = pending.some(({ tracked, pending: { outages } }) => textOf(outages) !== tracked.recorded);
    if (isTimeToNote || isNews) await this.records.keepLives(this.deletions());
    await this.recordOperations(nowMs, isTimeToNote);
    for (const one of pending) await this.recordSeen(one, isTimeToNote);
    if (!isTimeToNote) return;
    await this.note(pending);
    this.notedAtMs = nowMs;
  }

  private deletions(): readonly Interruption[] {
    const kinds = this.kinds.kindsFor('deletion');
    return this.kinds.interruptions().filter(({ kind }) => kinds.includes(kind));
  }

  private async recordOperations(nowMs: number, isTimeToNote: boolean): Promise<void> {
    const deletions = this.kinds.kindsFor('deletion');
    const interruptions = this.kinds.interruptions().filter(({ kind }) => !deletions.includes(kind));
    const sinceMs = Math.max(this.readSinceMs - OVERLAP_MS, nowMs - LOOK_BACK_MS);
    const found = await this.records.readInterrupting(interruptions, sinceMs);
    for (const { databaseId, ...operation } of found) {
      const evidence = judgeOperation({ ...operation, purpose: this.kinds.purposeOf(operation.kind) }, nowMs);
      if (!evidence) continue;
      const text = textOf([evidence]);
      if (this.operations.get(operation.id) === text && (evidence.endMs !== null || !isTimeToNote)) continue;
      await this.records.record(databaseId, evidence);
      this.operations.set(operation.id, text);
    }
    const ids = new Set(found.map(({ id }) => id));
    for (const id of this.operations.keys()) if (!ids.has(id)) this.operations.delete(id);
    this.readSinceMs = nowMs;
  }

  private async recordSeen({ databaseId, tracked, pending }: PendingOf, isTimeToNote: boolean): Promise<void> {
    const text = textOf(pending.outages);
    const goesOn = pending.outages.at(-1)?.endMs === null;
    if (text === tracked.recorded && !(goesOn && isTimeToNote)) return;
    for (const outage of pending.outages) await this.records.record(databaseId, outage);
    tracked.tracker.forget({ ...pending, observed: [] });
    tracked.recorded = textOf(pending.outages.filter(({ endMs }) => endMs === null));
  }

  private async note(pending: readonly PendingOf[]): Promise<void> {
    const most = Math.max(0, ...pending.map(({ pending: { observed } }) => observed.length));
    for (let index = 0; index < most; index += 1) {
      await this.records.noteObserved(pending.flatMap(({ databaseId, pending: { observed } }) => {
        const span = observed[index];
        return span ? [{ databaseId, ...span }] : [];
      }));
    }
    await this.records.endSeenUp(pending.flatMap(({ databaseId, pending: { upSinceMs } }) => (
      upSinceMs === undefined ? [] : [{ databaseId, upSinceMs }])));
    const newestMs = Math.max(...pending.map(({ tracked }) => tracked.observedAtMs));
    for (const { databaseId, tracked, pending: { observed } } of pending) {
      tracked.tracker.forget({ outages: [], observed, upSinceMs: undefined });
      if (newestMs - tracked.observedAtMs > FORGET_AFTER_MS) this.tracked.delete(databaseId);
    }
  }
}

interface PendingOf {
  readonly databaseId: string;
  readonly tracked: Tracked;
  readonly pending: Pending;
}

/** What of outages is worth to be recorded at once; that one goes on is noted now and then. */
const textOf = (outages: readonly Evidence[]): string => JSON.stringify(outages.map(({ lastDownMs: _, ...outage }) => outage));
