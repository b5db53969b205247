import { quoteLiteral } from './quote-sql.js';

/**
 * Whether a slot was lost, because it held too much WAL. It may be in use all the same: from PostgreSQL 16 on it stays lost
 * while a standby streams through it, keeps nothing, and calls itself `unreserved`, though it is nowhere near its limit.
 */
export const SLOT_IS_LOST = `(wal_status = 'lost' OR (wal_status = 'unreserved' AND active AND safe_wal_size > 0))`;

/** Makes a standby's slot; one that was lost is made anew, also while a standby streams through it. */
export function createSlotSql(slot: string): string[] {
  const name = quoteLiteral(slot);
  return [
    ...dropSlotSql(slot, SLOT_IS_LOST),
    `SELECT pg_create_physical_replication_slot(${name}, true) `
      + `WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${name});`,
  ];
}

/**
 * Ends what still receives WAL in a standby's name, a `pg_basebackup` that was killed for one: its walsender outlives it by
 * a moment, and a slot serves one receiver at a time.
 */
export function endReceiversSql(instanceId: string): string {
  return `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity `
    + `WHERE backend_type = 'walsender' AND application_name = ${quoteLiteral(instanceId)};`;
}

/**
 * Drops a standby's slot, also while it is streamed through. A receiver that is cut off connects again within milliseconds,
 * sooner than a wait for the end of its walsender returns (PostgreSQL looks every 100 ms), so it is not waited for.
 *
 * @param condition of pg_replication_slots, which is asked once: a slot that nobody uses any more may look well again
 */
export function dropSlotSql(slot: string, condition = 'true'): string[] {
  const name = quoteLiteral(slot);
  return [`DO $$ DECLARE tries integer := 0; BEGIN
  IF NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${name} AND ${condition}) THEN RETURN; END IF;
  LOOP
    PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${name} AND active;
    BEGIN
      PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${name};
      EXIT;
    EXCEPTION WHEN object_in_use THEN
      tries := tries + 1;
      IF tries > ${MOST_DROPS} THEN RAISE; END IF;
      PERFORM pg_sleep(0.002);
    END;
  END LOOP; END $$;`];
}

const MOST_DROPS = 2_000;
