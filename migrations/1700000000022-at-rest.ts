import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The key of a database's files, apart from its other secrets: a deletion erases it first, and needs the others until it is over.
 * Databases of before have none, and get one when a place is next reserved for an instance of theirs.
 */
export class AtRest1700000000022 implements MigrationInterface {
  readonly name = 'AtRest1700000000022';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases ADD COLUMN sealed_volume_key bytea;
      GRANT UPDATE (sealed_volume_key) ON databases TO freehold_tenant_writer;
      ALTER TABLE hosts
        ADD COLUMN encrypted_at_rest text NOT NULL DEFAULT 'none' CHECK (encrypted_at_rest IN ('fscrypt', 'none'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE hosts DROP COLUMN encrypted_at_rest;
      ALTER TABLE databases DROP COLUMN sealed_volume_key`);
  }
}
