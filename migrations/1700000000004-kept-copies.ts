import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Copies of instances' data that were moved aside, until an operator releases them. */
export class KeptCopies1700000000004 implements MigrationInterface {
  readonly name = 'KeptCopies1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE kept_copies (
        instance_id  text NOT NULL,
        kept_id      text NOT NULL,
        database_id  text NOT NULL REFERENCES databases,
        host_id      text NOT NULL REFERENCES hosts,
        kept_at      timestamptz NOT NULL,
        size_bytes   bigint NOT NULL,
        PRIMARY KEY (instance_id, kept_id)
      );
      CREATE INDEX kept_copies_database ON kept_copies (database_id);
      GRANT SELECT ON kept_copies TO freehold_tenant;
      ALTER TABLE kept_copies ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant ON kept_copies TO freehold_tenant USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE kept_copies');
  }
}
