import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Interruption } from '../operations/registry.js';
import { intersect } from './count-uptime.js';
import type { InterruptingOperation } from './judge-operation.js';
import { type Evidence, KNOWN_FOR_MS, mergeEvidence } from './merge-outages.js';
import type { OutageCause, OutageSource, Span } from './outage.js';
import { readWindows, windowsFor } from './read-windows.js';

/** An arbitrary number: the outages of one database are recorded by one worker at a time. */
const OUTAGES_LOCK = 7_362_524;

/** A time in which a database was observed. */
export interface Observed extends Span {
  readonly databaseId: string;
}

/** An interrupting operation, and the database that it interrupts. */
export interface DatabaseInterruption extends Omit<InterruptingOperation, 'purpose'> {
  readonly databaseId: string;
}

/** Writes down when databases were there, when they were observed, and when they could not be used. */
@Injectable()
export class OutageRecords {
  constructor(private readonly metadata: Metadata) {}

  /** Begins the lives of databases that are there, and ends those of databases that are deleted: with the cutting of their routes. */
  async keepLives(deletions: readonly Interruption[]): Promise<void> {
    const { manager } = this.metadata.dataSource;
    await manager.query(
      `UPDATE database_lives l SET ended_at = greatest(l.began_at, least(d.deleted_at, s.started_at))
         FROM databases d
         LEFT JOIN LATERAL (${CUT_OFF}) s ON true
        WHERE d.id = l.database_id AND l.ended_at IS NULL AND (d.deleted_at IS NOT NULL OR s.started_at >= l.began_at)`,
      [JSON.stringify(deletions)]);
    await manager.query(
      `INSERT INTO database_lives (database_id, began_at, observed_until)
       SELECT id, provisioned_at, provisioned_at FROM databases d WHERE provisioned_at IS NOT NULL AND deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM database_lives l WHERE l.database_id = d.id AND (l.ended_at IS NULL OR l.began_at = d.provisioned_at))
       ON CONFLICT DO NOTHING`);
  }

  /** Notes until when databases were observed, and the gaps before that in which nobody did. */
  async noteObserved(observed: readonly Observed[]): Promise<void> {
    if (observed.length === 0) return;
    const spans = observed.map(({ databaseId, fromMs, toMs }) => (
      { id: databaseId, from: new Date(fromMs).toISOString(), until: new Date(toMs).toISOString() }));
    await this.metadata.transaction(async (tx) => {
      const ids = spans.map(({ id }) => id);
      await tx.query(
        'SELECT FROM database_lives WHERE database_id = ANY($1) AND ended_at IS NULL ORDER BY database_id FOR NO KEY UPDATE', [ids],
      );
      await tx.query(
        `INSERT INTO observation_gaps (database_id, started_at, ended_at)
         SELECT l.database_id, l.observed_until, s."from" FROM database_lives l
           JOIN json_to_recordset($1) AS s(id text, "from" timestamptz) ON s.id = l.database_id
          WHERE l.ended_at IS NULL AND s."from" > l.observed_until + make_interval(secs => $2)
         ON CONFLICT DO NOTHING`, [JSON.stringify(spans), KNOWN_FOR_MS / 1000]);
      await tx.query(
        `UPDATE database_lives l SET observed_until = s.until FROM json_to_recordset($1) AS s(id text, until timestamptz)
          WHERE s.id = l.database_id AND l.ended_at IS NULL AND s.until > l.observed_until`, [JSON.stringify(spans)]);
    });
  }

  /** Records an outage, as one with what other sources have told of it already; one of a database that is not there is none. */
  record(databaseId: string, found: Evidence): Promise<void> {
    return this.metadata.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [OUTAGES_LOCK, databaseId]);
      const [database] = await queryRows<{ regionId: string; hostIds: string[] }>(tx,
        `SELECT region_id AS "regionId", ARRAY(SELECT host_id FROM instances WHERE database_id = d.id) AS "hostIds"
           FROM databases d WHERE id = $1 AND EXISTS (SELECT FROM database_lives l WHERE l.database_id = d.id
            AND l.began_at <= $3 AND coalesce(l.ended_at, 'infinity') > $2)`,
        [databaseId, new Date(found.startMs), new Date(found.endMs ?? found.lastDownMs)]);
      if (!database) return;
      const { merged, absorbed } = mergeEvidence(await this.readNear(tx, databaseId, found), found);
      const windows = merged.cause === 'operator' ? windowsFor(await readWindows(tx, spanOf(merged)), database) : [];
      await write(tx, databaseId, absorbed, { ...merged, planned: windows.some((window) => intersect(window, spanOf(merged))) });
    });
  }

  /**
   * Ends the outages of databases that were seen up since: their observer went away, and somebody else saw the end. One that
   * nobody has told of for a while, although the database is seen up, lasted as long as it was certain.
   */
  async endSeenUp(seen: readonly { readonly databaseId: string; readonly upSinceMs: number }[]): Promise<void> {
    const up = seen.map(({ databaseId, upSinceMs }) => ({ id: databaseId, since: new Date(upSinceMs).toISOString() }));
    await this.metadata.dataSource.query(
      `UPDATE outages o SET ended_at = CASE WHEN s.since BETWEEN o.last_down_at AND o.last_down_at + make_interval(secs => $2)
                                            THEN s.since ELSE o.last_down_at END
         FROM json_to_recordset($1) AS s(id text, since timestamptz)
        WHERE o.database_id = s.id AND o.ended_at IS NULL
          AND (s.since > o.last_down_at OR o.last_down_at < now() - make_interval(secs => $2))`, [JSON.stringify(up), KNOWN_FOR_MS / 1000]);
  }

  /** The operations that interrupt a database now, and those that did and have ended since a moment. */
  async readInterrupting(interruptions: readonly Interruption[], endedSinceMs: number): Promise<DatabaseInterruption[]> {
    type Row = Pick<DatabaseInterruption, 'databaseId' | 'id' | 'kind' | 'askedBy' | 'isDataCenterLost'> & {
      readonly interruptedAt: Date; readonly overAt: Date | null; readonly finishedAt: Date | null;
    };
    const rows = await queryRows<Row>(
      this.metadata.dataSource.manager, SELECT_INTERRUPTING, [JSON.stringify(interruptions), new Date(endedSinceMs)],
    );
    return rows.map(({ interruptedAt, overAt, finishedAt, ...row }) => ({
      ...row, interruptedAtMs: interruptedAt.getTime(), overAtMs: overAt?.getTime() ?? null, finishedAtMs: finishedAt?.getTime() ?? null,
    }));
  }

  private async readNear(tx: EntityManager, databaseId: string, { startMs }: Evidence): Promise<Recorded[]> {
    const rows = await queryRows<Row>(tx,
      `SELECT id, started_at AS "startedAt", last_down_at AS "lastDownAt", ended_at AS "endedAt", cause, planned, sources,
              operation_id AS "operationId", reason
         FROM outages WHERE database_id = $1 AND coalesce(ended_at, 'infinity') > $2::timestamptz - interval '1 minute'
        ORDER BY started_at`,
      [databaseId, new Date(startMs)]);
    return rows.map(({ startedAt, lastDownAt, endedAt, ...row }) => ({
      ...row, startMs: startedAt.getTime(), lastDownMs: lastDownAt.getTime(), endMs: endedAt?.getTime() ?? null,
    }));
  }
}

interface Recorded extends Evidence {
  readonly id: string;
}

interface Row {
  readonly id: string;
  readonly startedAt: Date;
  readonly lastDownAt: Date;
  readonly endedAt: Date | null;
  readonly cause: OutageCause;
  readonly planned: boolean;
  readonly sources: OutageSource[];
  readonly operationId: string | null;
  readonly reason: string;
}

const spanOf = ({ startMs, lastDownMs, endMs }: Evidence): Span => ({ fromMs: startMs, toMs: Math.max(startMs + 1, endMs ?? lastDownMs) });

/** Writes one outage in the place of those that it has absorbed; the earliest one's id stays. */
async function write(tx: EntityManager, databaseId: string, absorbed: readonly Recorded[], outage: Evidence): Promise<void> {
  const [kept, ...others] = [...absorbed].sort((one, other) => one.startMs - other.startMs);
  if (others.length > 0) await tx.query('DELETE FROM outages WHERE id = ANY($1)', [others.map(({ id }) => id)]);
  const { startMs, lastDownMs, endMs, cause, planned, sources, operationId, reason } = outage;
  await tx.query(
    `INSERT INTO outages (id, database_id, started_at, last_down_at, ended_at, cause, planned, sources, operation_id, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, last_down_at = excluded.last_down_at, ended_at = excluded.ended_at,
       cause = excluded.cause, planned = excluded.planned, sources = excluded.sources, operation_id = excluded.operation_id,
       reason = excluded.reason`,
    [kept?.id ?? newId('outage'), databaseId, new Date(startMs), new Date(lastDownMs), endMs === null ? null : new Date(endMs), cause,
      planned, sources, operationId, reason]);
}

/** When a database's deletion has cut its routes; a deletion has no way back from there. */
const CUT_OFF = `
  SELECT max(c.started_at) AS started_at FROM json_to_recordset($1) AS k(kind text, "from" text)
    JOIN operations o ON o.kind = k.kind AND o.subject_id = d.id
    JOIN operation_steps c ON c.operation_id = o.id AND c.name = k."from"`;

/**
 * Who asked is told by the credential, or for a step of a larger operation by that one. Unlike the change that runs, those
 * that have ended are told by when they did.
 */
const SELECT_INTERRUPTING = `
  SELECT o.id, o.kind, o.subject_id AS "databaseId", c.started_at AS "interruptedAt", r.started_at AS "overAt",
         o.finished_at AS "finishedAt",
         CASE WHEN 'operator' = ANY (a.scopes) OR u.role = 'operator' THEN 'operator'
              WHEN a.id IS NOT NULL OR u.id IS NOT NULL THEN 'customer'
              WHEN EXISTS (SELECT FROM operations p WHERE p.id = o.requested_by) THEN 'operation' ELSE 'system' END AS "askedBy",
         EXISTS (SELECT FROM instances i JOIN hosts h ON h.id = i.host_id
                  WHERE i.database_id = o.subject_id
                    AND NOT EXISTS (SELECT FROM hosts n WHERE n.data_center_id = h.data_center_id AND n.state <> 'lost'))
           AS "isDataCenterLost"
    FROM json_to_recordset($1) AS k(kind text, "from" text, over text)
    JOIN operations o ON o.kind = k.kind AND o.exclusive
    JOIN databases d ON d.id = o.subject_id
    JOIN operation_steps c ON c.operation_id = o.id AND c.name = k."from" AND c.started_at IS NOT NULL
    LEFT JOIN operation_steps r ON r.operation_id = o.id AND r.name = k.over
    LEFT JOIN api_keys a ON a.id = o.requested_by
    LEFT JOIN users u ON u.id = o.requested_by
   WHERE o.state IN ('pending', 'running') OR o.finished_at >= $2`;
