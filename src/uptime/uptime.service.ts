import { Injectable } from '@nestjs/common';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';
import type { Slice } from '../metadata/slice.js';
import {
  AVAILABILITIES, type CountedMs, countDatabase, type CountedOutage, countPlatform, type DatabaseHistory, shareUp,
} from './count-uptime.js';
import { leaveBudget, seconds } from './error-budget.js';
import { KNOWN_FOR_MS } from './merge-outages.js';
import { spanOfMonth } from './month.js';
import type { OutageCause, Span } from './outage.js';
import { readWindows, windowsFor } from './read-windows.js';
import type { OutageDocument, UptimeDocument } from './uptime.schemas.js';

/** Whose uptime is asked for: that of one database, of a region, or of the platform. */
export type UptimeSubject = { readonly databaseId: string } | { readonly region: string } | 'platform';

export interface OutageFilter extends Slice {
  readonly span?: Span;
  readonly databaseId?: string | undefined;
  readonly region?: string | undefined;
  readonly cause?: OutageCause | undefined;
}

/** One life of a database, and what is known of its availability. */
export interface Life extends DatabaseHistory {
  readonly databaseId: string;
}

/** What was measured: how long databases were up, and their outages. */
@Injectable()
export class UptimeService {
  constructor(private readonly metadata: Metadata) {}

  /** The uptime in a month, so far if the month is not over. */
  async read(subject: UptimeSubject, month: string, now = new Date()): Promise<UptimeDocument> {
    const nowMs = now.getTime();
    const whole = spanOfMonth(month);
    const period = { ...whole, toMs: Math.min(whole.toMs, nowMs) };
    const lives = await this.readLives(subject, period, nowMs);
    const isOne = typeof subject === 'object' && 'databaseId' in subject;
    const counted = isOne ? addUp(lives.map((life) => countDatabase(life, period))) : countPlatform(lives, period);
    const goesOn = lives.some(({ exists }) => exists.toMs > nowMs);
    const soFarMs = AVAILABILITIES.reduce((sum, is) => sum + counted[is], 0);
    return {
      of: isOne ? 'database' : subject === 'platform' ? 'platform' : 'region',
      region: typeof subject === 'object' && 'region' in subject ? subject.region : null,
      databaseId: isOne ? subject.databaseId : null,
      month, from: iso(period.fromMs), to: iso(period.toMs), databases: new Set(lives.map(({ databaseId }) => databaseId)).size,
      uptime: shareUp(counted), upSeconds: seconds(counted.up), downSeconds: seconds(counted.down),
      plannedSeconds: seconds(counted.planned), unknownSeconds: seconds(counted.unknown),
      errorBudget: leaveBudget(counted, soFarMs + (goesOn ? whole.toMs - period.toMs : 0)),
    };
  }

  /** The lives that meet a time, with all that is known of them in it. */
  async readLives(subject: UptimeSubject, period: Span, nowMs: number): Promise<Life[]> {
    const { manager } = this.metadata.dataSource;
    const parameters = [
      iso(period.fromMs), iso(period.toMs), typeof subject === 'object' && 'databaseId' in subject ? subject.databaseId : null,
      typeof subject === 'object' && 'region' in subject ? subject.region : null,
    ];
    const [lives, outages, gaps, windows] = await Promise.all([
      queryRows<LifeRow>(manager, SELECT_LIVES, parameters), queryRows<OutageRow>(manager, SELECT_OUTAGE_SPANS, parameters),
      queryRows<SpanRow>(manager, SELECT_GAPS, parameters), readWindows(manager, period),
    ]);
    const [outagesOf, gapsOf] = [groupByDatabase(outages), groupByDatabase(gaps)];
    return lives.map(({ databaseId, beganAt, endedAt, observedUntil, ...database }) => {
      const exists = { fromMs: beganAt.getTime(), toMs: endedAt?.getTime() ?? Infinity };
      const unseen = { fromMs: observedUntil.getTime(), toMs: Math.min(exists.toMs, nowMs) };
      const isUnseen = unseen.toMs - unseen.fromMs > KNOWN_FOR_MS;
      return {
        databaseId, exists, windows: windowsFor(windows, database),
        outages: (outagesOf.get(databaseId) ?? []).map(({ cause, planned, ...row }): CountedOutage => ({ ...spanOf(row), cause, planned })),
        gaps: [...(gapsOf.get(databaseId) ?? []).map(spanOf), ...(isUnseen ? [unseen] : [])],
      };
    });
  }

  /** Outages that a reader can see, those that were found last first. */
  async listOutages(reach: Reach, { span, databaseId, region, cause, before, limit }: OutageFilter): Promise<OutageDocument[]> {
    const rows = await this.metadata.select<OutageListRow>(reach, writeSelect(SELECT_OUTAGES, {
      'o.database_id = ?': databaseId, 'd.region_id = ?': region, 'o.cause = ?': cause, 'o.id < ?': before,
      'o.started_at < ?': span && iso(span.toMs), 'coalesce(o.ended_at, o.last_down_at) >= ?': span && iso(span.fromMs),
    }, reach, 'd.customer_id', 'ORDER BY o.id DESC LIMIT ?', limit));
    return rows.map(describeOutage);
  }

  /** The databases of a customer that existed in a time. */
  databasesOf(customerId: string, { fromMs, toMs }: Span): Promise<{ id: string; name: string; region: string }[]> {
    return queryRows(this.metadata.dataSource.manager,
      `SELECT d.id, d.name, d.region_id AS region FROM databases d
        WHERE d.customer_id = $1 AND EXISTS (SELECT FROM database_lives l WHERE l.database_id = d.id AND l.began_at < $3
                                                AND coalesce(l.ended_at, 'infinity') > $2) ORDER BY d.name, d.id`,
      [customerId, iso(fromMs), iso(toMs)]);
  }
}

interface SpanRow {
  readonly databaseId: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
}
interface OutageRow extends SpanRow {
  readonly cause: OutageCause;
  readonly planned: boolean;
}
interface LifeRow {
  readonly databaseId: string;
  readonly regionId: string;
  readonly hostIds: readonly string[];
  readonly beganAt: Date;
  readonly endedAt: Date | null;
  readonly observedUntil: Date;
}
interface OutageListRow extends Omit<OutageDocument, 'startedAt' | 'endedAt' | 'seconds'> {
  readonly startedAt: Date;
  readonly lastDownAt: Date;
  readonly endedAt: Date | null;
}

function describeOutage({ startedAt, lastDownAt, endedAt, ...row }: OutageListRow): OutageDocument {
  const lengthMs = (endedAt ?? lastDownAt).getTime() - startedAt.getTime();
  return { ...row, startedAt: startedAt.toISOString(), endedAt: endedAt?.toISOString() ?? null, seconds: seconds(lengthMs) };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const spanOf = ({ startedAt, endedAt }: { readonly startedAt: Date; readonly endedAt: Date }): Span =>
  ({ fromMs: startedAt.getTime(), toMs: endedAt.getTime() });

function groupByDatabase<Row extends { readonly databaseId: string }>(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.databaseId, [...(groups.get(row.databaseId) ?? []), row]);
  return groups;
}

function addUp(all: readonly CountedMs[]): CountedMs {
  const sum = { up: 0, down: 0, planned: 0, unknown: 0 };
  for (const counted of all) for (const is of AVAILABILITIES) sum[is] += counted[is];
  return sum;
}

/** Conditions on a database `d` and a time: `$1` to `$2`, of the database `$3` or the region `$4` if they are given. */
const MEANT = '($3::text IS NULL OR d.id = $3) AND ($4::text IS NULL OR d.region_id = $4)';

const SELECT_LIVES = `
  SELECT l.database_id AS "databaseId", d.region_id AS "regionId",
         ARRAY(SELECT i.host_id FROM instances i WHERE i.database_id = d.id) AS "hostIds",
         l.began_at AS "beganAt", l.ended_at AS "endedAt", l.observed_until AS "observedUntil"
    FROM database_lives l JOIN databases d ON d.id = l.database_id
   WHERE l.began_at < $2 AND coalesce(l.ended_at, 'infinity') > $1 AND ${MEANT}`;

/** An outage whose end nobody has seen lasts as long as it was certain. */
const SELECT_OUTAGE_SPANS = `
  SELECT o.database_id AS "databaseId", o.started_at AS "startedAt", coalesce(o.ended_at, o.last_down_at) AS "endedAt", o.cause, o.planned
    FROM outages o JOIN databases d ON d.id = o.database_id
   WHERE o.started_at < $2 AND coalesce(o.ended_at, o.last_down_at) > $1 AND ${MEANT}`;

const SELECT_GAPS = `
  SELECT g.database_id AS "databaseId", g.started_at AS "startedAt", g.ended_at AS "endedAt"
    FROM observation_gaps g JOIN databases d ON d.id = g.database_id
   WHERE g.started_at < $2 AND g.ended_at > $1 AND ${MEANT}`;

const SELECT_OUTAGES = `
  SELECT o.id, o.database_id AS "databaseId", d.region_id AS region, o.started_at AS "startedAt", o.last_down_at AS "lastDownAt",
         o.ended_at AS "endedAt", o.cause, o.planned, o.sources, o.operation_id AS "operationId", o.reason
    FROM outages o JOIN databases d ON d.id = o.database_id`;
