import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { reasonOf } from '../base/reason-of.js';
import type { Log } from '../telemetry/log.js';
import type { Engine, Room, StorageMeasure } from '../engine/ports.js';
import type { Metadata } from '../metadata/metadata.js';
import { Rounds } from '../operations/rounds.js';
import type { DatabaseWatch, WatchedStorage } from './database-watch.js';
import {
  chooseGrowing, grownBytes, isMeasureDue, judgeFilling, judgeRoom, judgeStorage, type RoomVerdict, type StorageStop, type StorageVerdict,
} from './judge-storage.js';
import { readStorage, type StorageRecord, tellOfControlDisk, writeStorage } from './storage-records.js';

/** A disk loses some hundred MiB in this time at most. */
const EVERY_MS = 500;
const AT_ONCE = 8;
const MEASURE_WITHIN_MS = 30_000;
/** The round goes on without measures that take longer: what they find is judged in a later one. */
const WAIT_MS = 2_000;
const EFFECT_WITHIN_MS = 10_000;
/** A size is recorded anew when it has changed by so much. */
const WORTH_RECORDING_BYTES = 2 ** 20;
const DISK_LIMITS = { raiseAt: 0.85, clearBelow: 0.8, criticalAt: 0.95 };

export interface StorageWatchOptions {
  readonly metadata: Metadata;
  readonly engine: Pick<Engine, 'instances' | 'rooms'>;
  readonly watches: () => Iterable<DatabaseWatch>;
  readonly log: Log;
}

interface Measured extends StorageMeasure {
  readonly at: number;
  readonly lsn: bigint;
  /** What was free on each host's file system by then. */
  readonly free: ReadonlyMap<string, number>;
}

interface Known {
  primaryId: string;
  record: StorageRecord;
  measured: Measured | undefined;
  /** What came since, and is not judged yet. */
  fresh: Measured | undefined;
  measuring: boolean;
  /** Whether it has filled a disk since it was stopped. */
  filledAnyway: boolean;
  /** From where on growth is counted while a disk is almost full. */
  baseline: Measured | undefined;
}

interface SeenRoom extends Room {
  readonly verdict: RoomVerdict;
}

const ROOMY: RoomVerdict = { pressing: false, tight: false };

/**
 * Keeps each database within its plan's size, and within what its hosts have.
 *
 * It acts where automation is paused, too: what it prevents is a harm to others. It changes nothing that operations rely on,
 * so that they go on meanwhile; the primary that one of them leaves is told again.
 */
export class StorageWatch {
  private readonly rounds: Rounds;
  private readonly known = new Map<string, Known>();
  /** What was free of each file system at the look before, by the first of its hosts. */
  private seen = new Map<string, { readonly freeBytes: number; readonly at: number; readonly tight: boolean }>();
  private controlDisk: 'warning' | 'critical' | undefined | 'unknown' = 'unknown';
  private readonly limit = pLimit(AT_ONCE);

  constructor(private readonly options: StorageWatchOptions) {
    this.rounds = new Rounds({
      everyMs: EVERY_MS, round: () => this.look(), whenFailed: 'storage could not be looked after', log: options.log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private async look(): Promise<void> {
    const rooms = await this.seeRooms();
    const subjects = [...this.options.watches()].flatMap((watch) => watch.storage() ?? []);
    await this.meet(subjects).catch((error: unknown) => this.say({ reason: reasonOf(error) }, 'the records of storage could not be read'));
    const due = subjects.filter((subject) => this.isDue(subject, rooms));
    const measuring = Promise.all(due.map((subject) => this.limit(() => this.measure(subject, rooms))));
    if (due.length > 0) await Promise.race([measuring, pause(WAIT_MS, undefined, { ref: false })]);
    const fresh = subjects.filter(({ databaseId }) => this.known.get(databaseId)?.fresh);
    const filling = this.chooseFilling(fresh, rooms);
    await Promise.all(fresh.map((subject) => this.limit(() => this.keep(subject, rooms, filling.has(subject.databaseId)))));
    await this.tellOfControlPlane(rooms).catch((error: unknown) => this.say({ reason: reasonOf(error) }, 'an alert could not be recorded'));
  }

  private async seeRooms(): Promise<SeenRoom[]> {
    const rooms = (await this.options.engine.rooms?.()) ?? [];
    const at = performance.now();
    const before = this.seen;
    this.seen = new Map();
    return rooms.map((room) => {
      const { freeBytes, usedBytes, hosts } = room;
      const last = before.get(hosts[0] ?? '');
      const fellBytes = last ? ((last.freeBytes - freeBytes) * 1_000) / Math.max(EVERY_MS / 2, at - last.at) : 0;
      const verdict = judgeRoom({ freeBytes, totalBytes: freeBytes + usedBytes, fellBytes, wasTight: last?.tight ?? false });
      this.seen.set(hosts[0] ?? '', { freeBytes, at, tight: verdict.tight });
      return { ...room, verdict };
    });
  }

  /** Reads what is recorded of databases that have come, and forgets those that have gone. */
  private async meet(subjects: readonly WatchedStorage[]): Promise<void> {
    const ids = new Set(subjects.map(({ databaseId }) => databaseId));
    for (const id of this.known.keys()) if (!ids.has(id)) this.known.delete(id);
    for (const { databaseId, primary } of subjects) {
      const known = this.known.get(databaseId);
      // Another instance tells another size, and was told nothing about who may write.
      if (known && known.primaryId !== primary.id) {
        Object.assign(known, { primaryId: primary.id, measured: undefined, fresh: undefined, baseline: undefined });
      }
    }
    const unknown = subjects.filter(({ databaseId }) => !this.known.has(databaseId));
    if (unknown.length === 0) return;
    for (const record of await readStorage(this.options.metadata, unknown.map(({ databaseId }) => databaseId))) {
      const primaryId = unknown.find(({ databaseId }) => databaseId === record.databaseId)?.primary.id ?? '';
      this.known.set(record.databaseId, {
        primaryId, record, measured: undefined, fresh: undefined, measuring: false, filledAnyway: false, baseline: undefined,
      });
    }
  }

  private isDue({ databaseId, hosts, lsn }: WatchedStorage, rooms: readonly SeenRoom[]): boolean {
    const known = this.known.get(databaseId);
    if (!known || known.measuring || known.fresh) return false;
    const { record, measured } = known;
    const fell = hosts.map((host) => (measured?.free.get(host) ?? 0) - (roomOf(rooms, host)?.freeBytes ?? Infinity));
    return isMeasureDue({
      limitBytes: record.limitBytes, dataBytes: measured?.dataBytes, stopped: record.writing !== 'open', room: tightest(rooms, hosts),
      movedBytes: measured ? Number(positionOf(lsn) - measured.lsn) : 0,
      fellBytes: measured ? Math.max(0, ...fell) : 0, sinceMs: measured ? performance.now() - measured.at : Infinity,
    });
  }

  private async measure({ databaseId, primary, hosts, lsn }: WatchedStorage, rooms: readonly SeenRoom[]): Promise<void> {
    const known = this.known.get(databaseId);
    if (!known || known.measuring) return;
    known.measuring = true;
    try {
      const seen = await this.options.engine.instances.measureStorage(primary, AbortSignal.timeout(MEASURE_WITHIN_MS));
      const free = new Map(hosts.map((host) => [host, roomOf(rooms, host)?.freeBytes ?? 0]));
      if (known.primaryId === primary.id) known.fresh = { ...seen, at: performance.now(), lsn: positionOf(lsn), free };
    } catch (error) {
      this.options.log.debug({ databaseId, reason: reasonOf(error) }, 'a database could not be measured');
    } finally {
      known.measuring = false;
    }
  }

  /** The databases that fill a file system which is almost full. */
  private chooseFilling(fresh: readonly WatchedStorage[], rooms: readonly SeenRoom[]): ReadonlySet<string> {
    const growths = fresh.flatMap(({ databaseId, hosts }) => {
      const { fresh: now, baseline } = this.known.get(databaseId) ?? {};
      return now && baseline ? [{ databaseId, hosts, grewBytes: grownBytes(now, baseline), seconds: (now.at - baseline.at) / 1_000 }] : [];
    });
    return new Set(rooms.filter(({ verdict }) => verdict.pressing)
      .flatMap((room) => chooseGrowing(growths.filter(({ hosts }) => hosts.some((host) => room.hosts.includes(host))))));
  }

  private async keep(subject: WatchedStorage, rooms: readonly SeenRoom[], fillsRoom: boolean): Promise<void> {
    const known = this.known.get(subject.databaseId);
    const now = known?.fresh;
    if (!known || !now) return;
    const { record, measured } = known;
    const room = tightest(rooms, subject.hosts);
    const verdict = judgeStorage({
      limitBytes: record.limitBytes, dataBytes: now.dataBytes, temporaryBytes: now.temporaryBytes,
      grewBytes: measured ? now.dataBytes + now.temporaryBytes - measured.dataBytes - measured.temporaryBytes : 0,
      before: record, room, fillsRoom, filledAnyway: known.filledAnyway,
    });
    known.filledAnyway = verdict.writing !== 'open' && (known.filledAnyway || (fillsRoom && record.writing !== 'open'));
    Object.assign(known, { measured: now, fresh: undefined, baseline: room.pressing ? (known.baseline ?? now) : now });
    try {
      const recorded = await this.record(known, now, verdict);
      if (recorded) await this.enforce(subject, known, now, verdict, rooms);
    } catch (error) {
      this.say({ databaseId: subject.databaseId, reason: reasonOf(error) }, 'who may write to a database could not be changed');
    }
  }

  /**
   * Records before it acts, so that a worker which is not the database's watcher any more does nothing. Where that fails
   * because the metadata cannot be reached, as is likely when a disk is full, the databases that fill it are stopped all the same, under
   * the token of the last change.
   */
  private async record(known: Known, { dataBytes, writing: told }: Measured, { writing, because }: StorageStop): Promise<boolean> {
    const { record } = known;
    const changed = writing !== record.writing || because !== record.because || writing !== told;
    const filling = judgeFilling(dataBytes / record.limitBytes, record.filling);
    const after: StorageRecord = {
      ...record, usedBytes: dataBytes, writing, because, filling, changes: changed ? nextAfter(record.changes) : record.changes,
    };
    const isWorth = changed || filling !== record.filling || Math.abs(dataBytes - (record.usedBytes ?? -Infinity)) >= WORTH_RECORDING_BYTES;
    if (!isWorth) return true;
    try {
      if (await writeStorage(this.options.metadata, record, after)) known.record = after;
      else this.known.delete(record.databaseId);
      if (changed) this.say({ databaseId: record.databaseId, writing, because, dataBytes }, 'who may write to a database has changed');
      return known.record === after;
    } catch (error) {
      if (because !== 'host') throw error;
      return true;
    }
  }

  private async enforce(
    subject: WatchedStorage, known: Known, { writing: told }: Measured, { writing, endGrowth }: StorageVerdict, rooms: readonly SeenRoom[],
  ): Promise<void> {
    const { instances } = this.options.engine;
    const signal = AbortSignal.timeout(EFFECT_WITHIN_MS);
    if (writing !== told) await instances.setWriting(subject.primary, writing, { token: known.record.changes, signal, trace: {} });
    if (!endGrowth && writing !== 'closed') return;
    await instances.endSessions(subject.primary, writing === 'closed' ? 'all' : 'growing', signal);
    // What grew until now was before it was stopped.
    await this.measure(subject, rooms);
    Object.assign(known, { baseline: known.fresh ?? known.baseline, measured: known.fresh ?? known.measured, fresh: undefined });
  }

  private async tellOfControlPlane(rooms: readonly SeenRoom[]): Promise<void> {
    const room = rooms.find(({ controlPlane }) => controlPlane);
    if (!room) return;
    const { usedBytes, freeBytes } = room;
    const used = usedBytes / (usedBytes + freeBytes);
    const before = this.controlDisk === 'unknown' ? undefined : this.controlDisk;
    const bad = used >= (before ? DISK_LIMITS.clearBelow : DISK_LIMITS.raiseAt);
    const severity = !bad ? undefined : used >= DISK_LIMITS.criticalAt || before === 'critical' ? 'critical' : 'warning';
    if (severity === this.controlDisk) return;
    await tellOfControlDisk(
      this.options.metadata, severity,
      `the disk of the control plane is ${Math.round(used * 100)} % full: ${Math.round(freeBytes / 2 ** 20)} MiB are free`,
    );
    this.controlDisk = severity;
  }

  private say(fields: object, message: string): void {
    this.options.log.warn(fields, message);
  }
}

/** Higher than what a metadata database that was restored from a backup has forgotten, too. */
const nextAfter = (changes: bigint): bigint => (changes < BigInt(Date.now()) ? BigInt(Date.now()) : changes + 1n);

const roomOf = (rooms: readonly SeenRoom[], host: string): SeenRoom | undefined => rooms.find(({ hosts }) => hosts.includes(host));

function tightest(rooms: readonly SeenRoom[], hosts: readonly string[]): RoomVerdict {
  const verdicts = hosts.map((host) => roomOf(rooms, host)?.verdict ?? ROOMY);
  return { pressing: verdicts.some(({ pressing }) => pressing), tight: verdicts.some(({ tight }) => tight) };
}

/** An LSN as a number of bytes. */
function positionOf(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
