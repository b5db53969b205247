import { Inject, Injectable } from '@nestjs/common';
import { spread } from '../backups/sets/choose-backup-time.js';
import { reasonOf } from '../base/reason-of.js';
import { within } from '../base/signals.js';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { ENGINE } from '../engine/engine-token.js';
import type { DatabaseSpec, Engine } from '../engine/ports.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { chooseProbes, type NextProbe, SELDOM_MS, WRITE_EVERY_MS } from './choose-probes.js';
import { judgeProbe } from './judge-probe.js';
import { UptimeKeeper } from './uptime-keeper.js';

/** How often it is looked which endpoints are due. */
const ROUND_MS = 250;
/** An endpoint that is well answers within some ten milliseconds; a client that waits longer gives up at some time. */
const ANSWER_WITHIN_MS = 3_000;
/** Probes that may be under way: each takes a moment of a processor, and more of them when a whole region fails would take all. */
const AT_ONCE = 8;
/** How long it is remembered how a database is reached, so that it is probed while the metadata database is away. */
const KNOW_FOR_MS = 600_000;

interface Probing {
  readonly spread: number;
  probedAtMs: number;
  wroteAtMs: number;
  silentSinceMs: number | null;
  /** Whether the last probe found it as it should be. */
  isWell: boolean;
  isUnderWay: boolean;
  spec: { readonly value: DatabaseSpec; readonly atMs: number } | undefined;
}

/**
 * Probes the endpoints of the databases that this worker watches, by a client's means: seldom while all is well, and once a
 * second while something is wrong.
 */
@RunsInWorker
@Injectable()
export class EndpointProber implements Duty {
  private readonly probings = new Map<string, Probing>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly rounds: Rounds;

  constructor(
    private readonly keeper: UptimeKeeper,
    private readonly records: MetadataDatabaseRecords,
    private readonly metadata: Metadata,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({
      everyMs: ROUND_MS, round: () => Promise.resolve(this.begin(Date.now())), whenFailed: 'endpoints could not be probed', log,
    });
  }

  start(): void {
    if (this.engine.gateway.probe) this.rounds.start();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.rounds.stop();
    await Promise.all(this.underWay);
  }

  private begin(nowMs: number): void {
    const observed = this.keeper.observed(nowMs);
    const ids = new Set(observed.map(({ databaseId }) => databaseId));
    for (const id of this.probings.keys()) if (!ids.has(id)) this.probings.delete(id);
    const endpoints = observed.map(({ databaseId, isSuspected }) => {
      const probing = this.probings.get(databaseId) ?? beginProbing(databaseId, nowMs);
      this.probings.set(databaseId, probing);
      return { ...probing, databaseId, isSuspected: isSuspected || !probing.isWell };
    });
    for (const next of chooseProbes(endpoints.filter(({ isUnderWay }) => !isUnderWay), nowMs).slice(0, AT_ONCE - this.underWay.size)) {
      const probed = this.probe(next).catch((error: unknown) => {
        this.log.debug({ databaseId: next.databaseId, reason: reasonOf(error) }, 'an endpoint could not be probed');
      }).finally(() => this.underWay.delete(probed));
      this.underWay.add(probed);
    }
  }

  private async probe({ databaseId, write }: NextProbe): Promise<void> {
    const probing = this.probings.get(databaseId);
    if (!probing) return;
    const beganAtMs = Date.now();
    Object.assign(probing, { isUnderWay: true, probedAtMs: beganAtMs, ...(write && { wroteAtMs: beganAtMs }) });
    try {
      const spec = await this.specOf(databaseId, probing);
      const signal = within(this.stopping.signal, ANSWER_WITHIN_MS);
      const found = await this.engine.gateway.probe?.(spec, { write }, signal);
      if (!found || this.stopping.signal.aborted) return;
      const observation = judgeProbe({
        found, beganAtMs, endedAtMs: Date.now(), silentSinceMs: probing.silentSinceMs,
        isPrimaryWell: this.keeper.isPrimaryWell(databaseId),
        writingStopped: found.state === 'read-only' ? await this.readWritingStopped(databaseId) : null,
      });
      probing.silentSinceMs = found.state === 'silent' ? probing.silentSinceMs ?? beganAtMs : null;
      probing.isWell = found.state === 'up' || found.state === 'not-equipped';
      if (found.state === 'not-equipped') probing.spec = undefined;
      this.keeper.take(databaseId, observation);
    } finally {
      probing.isUnderWay = false;
    }
  }

  private async specOf(databaseId: string, probing: Probing): Promise<DatabaseSpec> {
    const known = probing.spec;
    if (known && Date.now() - known.atMs < KNOW_FOR_MS) return known.value;
    const { spec } = await this.records.read(databaseId);
    probing.spec = { value: spec, atMs: Date.now() };
    return spec;
  }

  private async readWritingStopped(databaseId: string): Promise<'plan' | 'host' | null> {
    const [row] = await queryRows<{ because: 'plan' | 'host' | null }>(
      this.metadata.dataSource.manager, 'SELECT writing_because AS because FROM databases WHERE id = $1', [databaseId],
    ).catch(() => []);
    return row?.because ?? null;
  }
}

/** The first probes are spread over time, too: a worker that begins would probe all at once. */
function beginProbing(databaseId: string, nowMs: number): Probing {
  const share = spread(databaseId);
  return {
    spread: share, probedAtMs: nowMs - share * SELDOM_MS, wroteAtMs: nowMs - share * WRITE_EVERY_MS, silentSinceMs: null, isWell: true,
    isUnderWay: false, spec: undefined,
  };
}
