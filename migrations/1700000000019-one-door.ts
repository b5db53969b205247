import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is refused is written down, too, and from where it was asked for; and what a tenant asks for is written with the rights
 * of a tenant. They are those of a role of their own: a tenant's reads cannot write.
 *
 * An answer that is owed again is the same whatever carries it: its status is the route's.
 */
export class OneDoor1700000000019 implements MigrationInterface {
  readonly name = 'OneDoor1700000000019';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE audit_events
        ADD COLUMN result text NOT NULL DEFAULT 'done' CHECK (result IN ('done', 'refused')),
        ADD COLUMN operation_id text,
        ADD COLUMN address text;
      ALTER TABLE idempotency_records DROP COLUMN status;
      DO $$ BEGIN
        CREATE ROLE freehold_tenant_writer NOLOGIN IN ROLE freehold_tenant;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END $$;
      DO $$ BEGIN
        EXECUTE format('GRANT freehold_tenant_writer TO %I', current_user);
      END $$;
      REVOKE INSERT ON customers FROM freehold_tenant;
      REVOKE INSERT, UPDATE ON api_keys FROM freehold_tenant;
      GRANT INSERT, UPDATE (name, email) ON customers TO freehold_tenant_writer;
      GRANT INSERT, UPDATE (revoked_at) ON api_keys TO freehold_tenant_writer;
      GRANT INSERT, UPDATE (name, deleted_at, purge_at, provisioned_at, epoch, in_sync, automation_paused, sealed_secrets)
         ON databases TO freehold_tenant_writer;
      GRANT INSERT ON instances, backups, backup_copies TO freehold_tenant_writer;
      GRANT SELECT, INSERT, DELETE ON dump_links TO freehold_tenant_writer;
      CREATE POLICY tenant ON dump_links TO freehold_tenant USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP POLICY tenant ON dump_links;
      REVOKE ALL ON dump_links, instances, backups, backup_copies, databases, api_keys, customers FROM freehold_tenant_writer;
      GRANT INSERT ON customers TO freehold_tenant;
      GRANT INSERT, UPDATE ON api_keys TO freehold_tenant;
      ALTER TABLE idempotency_records ADD COLUMN status integer;
      ALTER TABLE audit_events DROP COLUMN result, DROP COLUMN operation_id, DROP COLUMN address`);
  }
}
