import { type StopReason, WARN_FROM } from '../databases/stop-reasons.js';
import type { StorageMeasure, Writing } from '../engine/ports.js';
import { floorBytes } from '../engine/disk-floor.js';

/** Who may write to a database, and why not everybody. */
export interface StorageStop {
  readonly writing: Writing;
  readonly because: StopReason | null;
}

export const NOT_STOPPED: StorageStop = { writing: 'open', because: null };

/** A file system as two looks showed it. */
export interface RoomSeen {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** What it lost within the last second; negative if it gained. */
  readonly fellBytes: number;
  readonly wasTight: boolean;
}

export interface RoomVerdict {
  /** Whatever grows on it is stopped. */
  readonly pressing: boolean;
  /** What was stopped stays so. */
  readonly tight: boolean;
}

const MIB = 2 ** 20;

/** A look comes twice a second, later on a busy machine, and what it finds needs another one or two to be stopped. */
const SECONDS_AHEAD = 3;

/** Decides from how much is free, and how fast it goes, whether those who grow must be stopped before all others are. */
export function judgeRoom({ freeBytes, totalBytes, fellBytes, wasTight }: RoomSeen): RoomVerdict {
  const floor = floorBytes(totalBytes);
  const pressing = freeBytes - SECONDS_AHEAD * Math.max(0, fellBytes) < floor;
  return { pressing, tight: pressing || (wasTight && freeBytes < 2 * floor) };
}

/** What comes of small changes. */
const OWN_GROWTH_BYTES = 8 * MIB;
/** WAL that may come of any change, a deletion or a vacuum too: whole pages after each checkpoint, which then are recycled. */
const OWN_WAL_BYTES = 64 * MIB;
/** A database is among those that fill a disk if it grows at least this share as fast as the fastest. */
const SHARE_OF_FASTEST = 0.1;

type Sizes = Pick<StorageMeasure, 'dataBytes' | 'temporaryBytes' | 'walBytes'>;

/** How much a database fills a disk: what it takes for good, and WAL as far as its settings do not explain it. */
export function grownBytes(now: Sizes, before: Sizes): number {
  return now.dataBytes - before.dataBytes + now.temporaryBytes - before.temporaryBytes
    + Math.max(0, now.walBytes - before.walBytes - OWN_WAL_BYTES);
}

/** What a database has grown since the disk began to be almost full. */
export interface Growth {
  readonly databaseId: string;
  readonly grewBytes: number;
  readonly seconds: number;
}

/** Which databases fill a disk: a neighbour that grows slowly beside one that grows fast is not stopped for it. */
export function chooseGrowing(growths: readonly Growth[]): string[] {
  const rate = ({ grewBytes, seconds }: Growth): number => grewBytes / Math.max(seconds, 0.001);
  const growing = growths.filter(({ grewBytes }) => grewBytes > OWN_GROWTH_BYTES);
  const fastest = Math.max(0, ...growing.map(rate));
  return growing.filter((growth) => rate(growth) >= SHARE_OF_FASTEST * fastest).map(({ databaseId }) => databaseId);
}

export interface StorageFacts {
  /** The size that the plan gives to data. */
  readonly limitBytes: number;
  readonly dataBytes: number;
  /** Files of running queries; each session may have a quarter of the plan's size. */
  readonly temporaryBytes: number;
  /** Data and temporary files, since the look before. */
  readonly grewBytes: number;
  readonly before: StorageStop;
  /** The tightest of the file systems that its instances are on. */
  readonly room: RoomVerdict;
  /** Whether it is among those that fill such a one. */
  readonly fillsRoom: boolean;
  /** Whether it was seen to do so once before since it was stopped. */
  readonly filledAnyway: boolean;
}

export interface StorageVerdict extends StorageStop {
  /** Whether sessions that make it grow are ended now: they set themselves to write, or began before they were stopped. */
  readonly endGrowth: boolean;
}

/** Once it was stopped, a database is written to again below this share of its plan. */
export const OPEN_BELOW = 0.95;
/** Those who write all the same, to delete and to vacuum, may make it grow up to this share of its plan. */
export const ENDED_FROM = 1.1;
/** The share of the plan that the temporary files of all sessions together may take. */
const TEMPORARY_SHARE = 0.5;
/** Growth that is no accident of measuring. */
const GROWTH_BYTES = MIB;

/**
 * Decides who may write to a database.
 *
 * A database that is full is read-only for every session that does not ask for more, so that there is room to delete and to
 * vacuum; those that make it grow nevertheless are ended past {@link ENDED_FROM}. Where the disk of a host is almost full,
 * those that fill it are made read-only, and closed if they go on: the neighbours have done nothing.
 */
export function judgeStorage(facts: StorageFacts): StorageVerdict {
  const { limitBytes, dataBytes, temporaryBytes, grewBytes, before, room, fillsRoom, filledAnyway } = facts;
  // What was begun in the moment of the stop is ended at the next look, and no reason to close.
  if (room.pressing && fillsRoom) {
    return { writing: before.writing === 'closed' || filledAnyway ? 'closed' : 'readOnly', because: 'host', endGrowth: true };
  }
  if (room.tight && before.because === 'host') return { ...before, endGrowth: false };
  const full = dataBytes >= limitBytes * (before.because === 'plan' ? OPEN_BELOW : 1);
  const over = grewBytes >= GROWTH_BYTES && dataBytes + temporaryBytes >= limitBytes * ENDED_FROM;
  const endGrowth = (full && over) || temporaryBytes >= limitBytes * TEMPORARY_SHARE;
  return full ? { writing: 'readOnly', because: 'plan', endGrowth } : { ...NOT_STOPPED, endGrowth };
}

export interface MeasureFacts {
  readonly limitBytes: number;
  /** What the last measure showed; undefined before the first. */
  readonly dataBytes: number | undefined;
  readonly stopped: boolean;
  readonly room: RoomVerdict;
  /** WAL that was written since then: logged data does not grow by more. */
  readonly movedBytes: number;
  /** Room that its hosts' file systems lost since then: temporary files and unlogged data do not grow by more either. */
  readonly fellBytes: number;
  readonly sinceMs: number;
}

/** Where nothing is written nothing grows; but not all that can happen to a directory is known. */
const ANYWAY_MS = 30 * 60_000;
/** A trickle of writes is measured so often, however far the limit is. */
const TRICKLE_MS = 5 * 60_000;
/** A database that is stopped is to be opened soon after there is room. */
const STOPPED_MS = 2_000;
const STOPPED_ANYWAY_MS = 30_000;
/** Room is mostly lost to others: what they write must not have everybody measured all the time. */
const FELL_MS = 30_000;

/**
 * Decides whether a database is measured now. Each of its files is looked at, which takes milliseconds where there are few,
 * so that it is done when what was written can have brought it near to its limit, and not by the clock.
 */
export function isMeasureDue({ limitBytes, dataBytes, stopped, room, movedBytes, fellBytes, sinceMs }: MeasureFacts): boolean {
  if (dataBytes === undefined) return true;
  if (room.pressing && movedBytes + fellBytes > 0) return true;
  if (stopped) return sinceMs >= (movedBytes > 0 ? STOPPED_MS : STOPPED_ANYWAY_MS);
  const leftBytes = Math.max(0, limitBytes - dataBytes);
  const matters = Math.min(256 * MIB, Math.max(8 * MIB, leftBytes / 8));
  return movedBytes >= matters || (fellBytes >= matters && sinceMs >= FELL_MS) || sinceMs >= (movedBytes > 0 ? TRICKLE_MS : ANYWAY_MS);
}

/** As {@link WARN_FROM}, for operators. */
const CRITICAL_FROM = 0.9;
const WARN_UNTIL = 0.75;

/** How much a database's size is to be worried about; it stays as bad as it was until there is some room. */
export function judgeFilling(share: number, before: 'warning' | 'critical' | undefined): 'warning' | 'critical' | undefined {
  if (share < (before === undefined ? WARN_FROM : WARN_UNTIL)) return undefined;
  return share >= CRITICAL_FROM || before === 'critical' ? 'critical' : 'warning';
}
