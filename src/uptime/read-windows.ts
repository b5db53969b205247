import type { EntityManager } from 'typeorm';
import { queryRows } from '../metadata/query-rows.js';
import type { Span } from './outage.js';

/** A maintenance window of a whole region, or of one of its hosts. */
export interface MaintenanceWindow extends Span {
  readonly regionId: string;
  readonly hostId: string | null;
}

/** The maintenance windows that meet a time; one that was called off while it ran ended then. */
export async function readWindows(tx: EntityManager, { fromMs, toMs }: Span): Promise<readonly MaintenanceWindow[]> {
  const rows = await queryRows<{ regionId: string; hostId: string | null; startsAt: Date; endsAt: Date }>(tx,
    `SELECT region_id AS "regionId", host_id AS "hostId", starts_at AS "startsAt", least(ends_at, cancelled_at) AS "endsAt"
       FROM maintenance_windows
      WHERE least(ends_at, cancelled_at) > starts_at AND ends_at > $1 AND starts_at < $2`, [new Date(fromMs), new Date(toMs)]);
  return rows.map(({ regionId, hostId, startsAt, endsAt }) => ({ regionId, hostId, fromMs: startsAt.getTime(), toMs: endsAt.getTime() }));
}

/** Those of the windows that are for a database: of its region, or of a host that one of its instances is on. */
export function windowsFor(
  windows: readonly MaintenanceWindow[], database: { readonly regionId: string; readonly hostIds: readonly string[] },
): readonly Span[] {
  return windows.filter(({ regionId, hostId }) => (hostId === null ? regionId === database.regionId : database.hostIds.includes(hostId)));
}
