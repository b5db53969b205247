import type { Client } from 'pg';

import type { HeldBack, InstanceInspection, OldestTransaction, SlotInspection, StandbyObservation } from '../../../ports.js';
import { hostDirectory } from '../../fleet/fleet-layout.js';
import type { InstanceContext } from '../../fleet/instance-context.js';
import { STANDBYS_SQL } from './observe-instance.js';
import { LOG_LIMIT_BYTES } from '../files/instance-files.js';
import { CONTROL_USER, DUMP_ROLE, REPLICATION_USER } from '../../sql/cluster-sql.js';
import { SLOT_IS_LOST } from '../../sql/slot-sql.js';

/** Prepared, and asked of functions, as the look is; a `lost` slot has no position any more. */
const INSPECT = {
  name: 'inspect',
  rowMode: 'array',
  text: `
  SELECT pg_is_in_recovery(),
         (SELECT coalesce(sum(size), 0)::float8 FROM pg_ls_waldir()),
         (pg_size_bytes(current_setting('max_wal_size')) + pg_size_bytes(current_setting('wal_keep_size')))::float8,
         (SELECT coalesce(json_agg(json_build_object('name', slot_name, 'active', active,
                   'status', CASE WHEN ${SLOT_IS_LOST} THEN 'lost' ELSE coalesce(wal_status, 'reserved') END,
                   'keptBytes', greatest(0, pg_wal_lsn_diff(
                      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)),
                   'limitBytes', nullif(pg_size_bytes(current_setting('max_slot_wal_keep_size')), -1)) ORDER BY slot_name), '[]')
            FROM pg_get_replication_slots() WHERE NOT temporary AND slot_type = 'physical'),
         ${STANDBYS_SQL},
         (SELECT row_to_json(oldest) FROM (
            SELECT CASE pg_get_userbyid(usesysid) WHEN $2 THEN 'control' WHEN $3 THEN 'dump' ELSE 'customer' END AS by, pid,
                   extract(epoch FROM clock_timestamp() - xact_start) AS seconds, pg_get_userbyid(usesysid) AS user,
                   application_name AS name
              FROM pg_stat_get_activity(NULL) WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
             UNION ALL
            SELECT 'prepared', NULL, extract(epoch FROM clock_timestamp() - prepared), pg_get_userbyid(ownerid), gid FROM pg_prepared_xact()
             ORDER BY seconds DESC LIMIT 1) AS oldest),
         (SELECT row_to_json(holder) FROM (
            SELECT 'slot' AS by, slot_name::text AS name, greatest(age(xmin), age(catalog_xmin)) AS transactions
              FROM pg_get_replication_slots() WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
             UNION ALL
            SELECT 'standby', application_name, age(backend_xmin)
              FROM pg_stat_get_activity(NULL) WHERE backend_type = 'walsender' AND backend_xmin IS NOT NULL
             ORDER BY transactions DESC LIMIT 1) AS holder)`,
  values: [REPLICATION_USER, CONTROL_USER, DUMP_ROLE],
} as const;

type InspectRow = [
  standby: boolean, walBytes: number, usualBytes: number, slots: SlotInspection[], standbys: StandbyObservation[],
  oldestTransaction: OldestTransaction | null, heldBack: HeldBack | null,
];

type RoomAt = NonNullable<Awaited<ReturnType<InstanceContext['shell']['roomAt']>>>;

/** A volume of its own is sparse: the disk below it may be full before it. */
function fullerDisk(volume: RoomAt, host: RoomAt): InstanceInspection['disk'] {
  const share = ({ usedBytes, freeBytes }: RoomAt): number => usedBytes / Math.max(1, usedBytes + freeBytes);
  const own = volume.device !== host.device && share(volume) >= share(host);
  const { usedBytes, freeBytes } = own ? volume : host;
  return { usedBytes, freeBytes, own };
}

/** Sees what goes wrong slowly in an instance, through a connection that is open already. */
export async function inspectThrough(
  { shell, paths, fleet, instance }: InstanceContext, client: Client,
): Promise<InstanceInspection | undefined> {
  const [{ rows }, disk, host] = await Promise.all([
    client.query<InspectRow>({ ...INSPECT, values: [...INSPECT.values] }),
    shell.roomAt(paths.volume),
    shell.roomAt(hostDirectory(fleet.root, instance.host)),
    // Each log-in that fails makes the log grow.
    shell.boundLog(paths.log, LOG_LIMIT_BYTES).catch(() => undefined),
  ]);
  const [row] = rows;
  if (!row || !disk) return undefined;
  const [standby, bytes, usualBytes, slots, standbys, oldestTransaction, heldBack] = row;
  return {
    role: standby ? 'standby' : 'primary',
    wal: { bytes, usualBytes },
    slots, standbys: standby ? [] : standbys, oldestTransaction, heldBack,
    disk: fullerDisk(disk, host ?? disk),
  };
}
