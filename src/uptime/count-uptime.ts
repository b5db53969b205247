import type { OutageCause, Span } from './outage.js';

/** An outage as it is counted. */
export interface CountedOutage extends Span {
  readonly cause: OutageCause;
  /** Whether it belongs to planned maintenance: what of it lies in a maintenance window does not count as unplanned. */
  readonly planned: boolean;
}

/** All that is known of one database's availability. */
export interface DatabaseHistory {
  /** From when it was first available until it was deleted. */
  readonly exists: Span;
  readonly outages: readonly CountedOutage[];
  /** Times in which nobody observed it. */
  readonly gaps: readonly Span[];
  /** The maintenance windows that were announced for it. */
  readonly windows: readonly Span[];
}

export const AVAILABILITIES = ['up', 'down', 'planned', 'unknown'] as const;

/**
 * How a database is at one moment: `down` without a plan, which goes before all others; down as `planned`; `unknown`, because
 * nobody observed it; or `up`.
 */
export type Availability = (typeof AVAILABILITIES)[number];

/** A time in which a database was the same. */
export interface Segment extends Span {
  readonly is: Availability;
}

/** Milliseconds of a period by how they were. */
export type CountedMs = Readonly<Record<Availability, number>>;

/** Cuts the time in which a database exists into segments, within a period; they touch each other and do not overlap. */
export function cutSegments({ exists, outages, gaps, windows }: DatabaseHistory, period: Span): Segment[] {
  const counted = intersect(exists, period);
  if (!counted) return [];
  const unplanned = outages.filter(({ planned }) => !planned);
  const planned = outages.filter((outage) => outage.planned);
  const changes = [
    ...edgesOf(unplanned, 'unplanned', counted), ...edgesOf(planned, 'planned', counted),
    ...edgesOf(gaps, 'gap', counted), ...edgesOf(windows, 'window', counted),
  ];
  return sweep(changes, counted, { unplanned: 0, planned: 0, gap: 0, window: 0 }, ({ unplanned, planned, gap, window }) => {
    if (unplanned > 0 || (planned > 0 && window === 0)) return 'down';
    if (planned > 0) return 'planned';
    return gap > 0 ? 'unknown' : 'up';
  });
}

/** The time of one database, whatever the cause of its outages; outages that overlap count once. */
export function countDatabase(history: DatabaseHistory, period: Span): CountedMs {
  return addUp(cutSegments(history, period));
}

/**
 * The time of the platform, or of a region, for all customers. At each moment it is as its databases are, each by an equal
 * share: an outage that hits one of four databases for a minute counts as 15 s. What a customer has done to their own database
 * is no outage of the platform, and moves nothing here. A time without a database does not count.
 */
export function countPlatform(histories: readonly DatabaseHistory[], period: Span): CountedMs {
  const changes = histories.flatMap((history) => {
    const outages = history.outages.filter(({ cause }) => cause !== 'customer');
    return cutSegments({ ...history, outages }, period).flatMap((segment) => edgesOf([segment], segment.is, period));
  });
  const counted = { up: 0, down: 0, planned: 0, unknown: 0 };
  sweep(changes, period, { up: 0, down: 0, planned: 0, unknown: 0 }, (databases, { fromMs, toMs }) => {
    const all = AVAILABILITIES.reduce((sum, is) => sum + databases[is], 0);
    for (const is of AVAILABILITIES) if (databases[is] > 0) counted[is] += ((toMs - fromMs) * databases[is]) / all;
    return 'up';
  });
  return counted;
}

/** The share of the known time in which it was up, planned time left out; null if nothing is known. Never above 1. */
export const shareUp = ({ up, down }: CountedMs): number | null => (up + down > 0 ? up / (up + down) : null);

interface Edge<Kind extends string> {
  readonly atMs: number;
  readonly kind: Kind;
  readonly by: 1 | -1;
}

function edgesOf<Kind extends string>(spans: readonly Span[], kind: Kind, within: Span): Edge<Kind>[] {
  return spans.flatMap((span): Edge<Kind>[] => {
    const cut = intersect(span, within);
    return cut ? [{ atMs: cut.fromMs, kind, by: 1 }, { atMs: cut.toMs, kind, by: -1 }] : [];
  });
}

/** Goes through a period from edge to edge and judges each time between two of them by how many spans of each kind it lies in. */
function sweep<Kind extends string>(
  edges: readonly Edge<Kind>[], period: Span, counts: Record<Kind, number>,
  judge: (counts: Readonly<Record<Kind, number>>, span: Span) => Availability,
): Segment[] {
  const segments: Segment[] = [];
  let fromMs = period.fromMs;
  const closeAt = (toMs: number): void => {
    if (toMs > fromMs) segments.push({ fromMs, toMs, is: judge(counts, { fromMs, toMs }) });
    fromMs = toMs;
  };
  for (const { atMs, kind, by } of [...edges].sort((one, other) => one.atMs - other.atMs)) {
    closeAt(atMs);
    counts[kind] += by;
  }
  closeAt(period.toMs);
  return segments;
}

function addUp(segments: readonly Segment[]): CountedMs {
  const counted = { up: 0, down: 0, planned: 0, unknown: 0 };
  for (const { is, fromMs, toMs } of segments) counted[is] += toMs - fromMs;
  return counted;
}

/** What two times have in common; undefined if that is nothing. */
export function intersect(one: Span, other: Span): Span | undefined {
  const fromMs = Math.max(one.fromMs, other.fromMs);
  const toMs = Math.min(one.toMs, other.toMs);
  return fromMs < toMs ? { fromMs, toMs } : undefined;
}
