import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Each database has ports of its own, and so the names of databases and roles in PostgreSQL need not differ any more.
 *
 * Accounts stay below 30,000: those above are their poolers'.
 */
export class Endpoints1700000000018 implements MigrationInterface {
  readonly name = 'Endpoints1700000000018';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases ADD COLUMN endpoint_slot integer CHECK (endpoint_slot >= 0),
        DROP CONSTRAINT databases_region_id_endpoint_database_key;
      UPDATE databases d SET endpoint_slot = numbered.slot
        FROM (SELECT id, row_number() OVER (PARTITION BY region_id ORDER BY coalesce(purge_at < now(), false), id) - 1 AS slot
                FROM databases) AS numbered
        WHERE numbered.id = d.id;
      ALTER TABLE databases ALTER COLUMN endpoint_slot SET NOT NULL;
      CREATE UNIQUE INDEX databases_endpoint_slot ON databases (region_id, endpoint_slot) WHERE deleted_at IS NULL;
      SELECT setval('unix_accounts', least(last_value, 29999), is_called) FROM unix_accounts;
      ALTER SEQUENCE unix_accounts MAXVALUE 29999`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER SEQUENCE unix_accounts MAXVALUE 60000;
      ALTER TABLE databases DROP COLUMN endpoint_slot, ADD UNIQUE (region_id, endpoint_database)`);
  }
}
