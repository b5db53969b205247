import type { Lsn } from '../../../ports.js';
import { lsnToNumber } from './control-data.js';

/** A timeline, and where the next one left it. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly lsn: Lsn;
}

/** Reads a timeline's history file: the timelines before it, the oldest first. */
export function parseHistory(text: string): TimelineSwitch[] {
  return [...text.matchAll(/^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/gim)].map((match) => ({
    timeline: Number(match[1]), lsn: match[2] ?? '0/0',
  }));
}

/** Where one primary's WAL has been. */
export interface TimelinePath {
  readonly timeline: number;
  readonly history: readonly TimelineSwitch[];
}

/**
 * Up to where an instance on a timeline may have WAL and still be on the way of a primary: `anywhere` if it is on the
 * primary's own timeline, undefined if that timeline is not on the way at all.
 */
export function lastCommonLsn(path: TimelinePath, timeline: number): { readonly lsn: Lsn } | 'anywhere' | undefined {
  if (timeline === path.timeline) return 'anywhere';
  return path.history.find((entry) => entry.timeline === timeline);
}

/** The name of the file that tells a timeline's history, below PGDATA. */
export function historyFile(timeline: number): string {
  return `pg_wal/${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** The newest timeline that any segment in `pg_wal` is of; 0 if there is none. */
export function newestTimeline(walFiles: readonly string[]): number {
  return Math.max(0, ...walFiles.filter((name) => /^[0-9A-F]{24}$/.test(name)).map((name) => Number.parseInt(name.slice(0, 8), 16)));
}

/** The name of the segment in which an LSN of a timeline is. */
export function walFileOf(timeline: number, lsn: Lsn, walSegmentBytes: number): string {
  const segment = lsnToNumber(lsn) / BigInt(walSegmentBytes);
  const perLog = 0x1_0000_0000n / BigInt(walSegmentBytes);
  return [BigInt(timeline), segment / perLog, segment % perLog].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
}
