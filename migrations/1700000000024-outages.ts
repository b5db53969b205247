import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When each database could not be used and why, and when nobody knows. */
export class Outages1700000000024 implements MigrationInterface {
  readonly name = 'Outages1700000000024';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The times in which a database is there for its customer: one that was brought back has several. They outlive its purge.
      CREATE TABLE database_lives (
        database_id     text NOT NULL REFERENCES databases,
        began_at        timestamptz NOT NULL,
        ended_at        timestamptz CHECK (ended_at >= began_at),
        -- Until when it was observed without a gap that is not recorded.
        observed_until  timestamptz NOT NULL,
        PRIMARY KEY (database_id, began_at)
      );
      CREATE UNIQUE INDEX database_lives_open ON database_lives (database_id) WHERE ended_at IS NULL;

      CREATE TABLE observation_gaps (
        database_id  text NOT NULL REFERENCES databases,
        started_at   timestamptz NOT NULL,
        ended_at     timestamptz NOT NULL CHECK (ended_at > started_at),
        PRIMARY KEY (database_id, started_at)
      );

      CREATE TABLE outages (
        id            text PRIMARY KEY,
        database_id   text NOT NULL REFERENCES databases,
        started_at    timestamptz NOT NULL,
        -- The latest moment at which it was certainly down.
        last_down_at  timestamptz NOT NULL CHECK (last_down_at >= started_at),
        -- When it was first seen up after that; null while it goes on.
        ended_at      timestamptz CHECK (ended_at >= last_down_at),
        cause         text NOT NULL CHECK (cause IN ('host', 'data-center', 'operator', 'platform', 'customer')),
        planned       boolean NOT NULL,
        sources       text[] NOT NULL CHECK (sources <@ '{operation,watch,probe}' AND cardinality(sources) > 0),
        operation_id  text,
        reason        text NOT NULL
      );
      CREATE INDEX outages_database ON outages (database_id, started_at);
      CREATE INDEX outages_open ON outages (database_id) WHERE ended_at IS NULL;
      GRANT SELECT ON outages TO freehold_tenant;
      ALTER TABLE outages ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant ON outages TO freehold_tenant USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id));

      -- Changes that have ended lately, to tell when they interrupted.
      CREATE INDEX operations_ended_changes ON operations (finished_at) WHERE exclusive AND finished_at IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX operations_ended_changes; DROP TABLE outages, observation_gaps, database_lives');
  }
}
