import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When operators may interrupt. Everybody reads it, so that it has no owner and no row-level security. */
export class Maintenance1700000000025 implements MigrationInterface {
  readonly name = 'Maintenance1700000000025';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE maintenance_windows (
        id text PRIMARY KEY,
        region_id text NOT NULL REFERENCES regions,
        host_id text REFERENCES hosts,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        reason text,
        urgent boolean NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        cancelled_at timestamptz,
        CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '1 hour'),
        CHECK (NOT urgent OR reason IS NOT NULL)
      );
      CREATE INDEX maintenance_windows_by_time ON maintenance_windows (region_id, starts_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE maintenance_windows');
  }
}
