import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What watchers saw of each database, when they looked last, and what an operator has to do about an alert. */
export class Sights1700000000012 implements MigrationInterface {
  readonly name = 'Sights1700000000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE watches
        -- What was seen, with what was recorded of the database before the look.
        ADD COLUMN sight        jsonb,
        -- Since when the same standbys have streamed.
        ADD COLUMN sight_since  timestamptz,
        ADD COLUMN observed_at  timestamptz;
      GRANT SELECT ON watches TO freehold_tenant;
      ALTER TABLE watches ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant ON watches TO freehold_tenant USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id));
      ALTER TABLE alerts
        ADD COLUMN action  text NOT NULL DEFAULT 'required' CHECK (action IN ('required', 'none')),
        ADD COLUMN advice  text NOT NULL DEFAULT '';
      CREATE INDEX alerts_key ON alerts (key, resolved_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX alerts_key;
      ALTER TABLE alerts DROP COLUMN action, DROP COLUMN advice;
      DROP POLICY tenant ON watches;
      ALTER TABLE watches DISABLE ROW LEVEL SECURITY;
      REVOKE SELECT ON watches FROM freehold_tenant;
      ALTER TABLE watches DROP COLUMN sight, DROP COLUMN sight_since, DROP COLUMN observed_at`);
  }
}
