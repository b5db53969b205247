import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Backups: whose they are, where their copies are, and which sites can be used. */
export class Backups1700000000006 implements MigrationInterface {
  readonly name = 'Backups1700000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE backup_sets (
        database_id    text PRIMARY KEY REFERENCES databases,
        -- The cipher key of the database's backups, sealed under the master key; erased by the purge, which erases every copy.
        sealed_key     bytea,
        -- The sites that WAL is archived to, by whose primary, and since when without a hole.
        archive_sites  text[] NOT NULL DEFAULT '{}',
        archive_epoch  integer NOT NULL DEFAULT 0,
        archive_since  timestamptz NOT NULL DEFAULT now(),
        purged_at      timestamptz,
        CHECK ((sealed_key IS NULL) = (purged_at IS NOT NULL))
      );

      CREATE TABLE backups (
        id            text PRIMARY KEY,
        database_id   text NOT NULL REFERENCES databases,
        reason        text NOT NULL CHECK (reason IN ('first', 'scheduled', 'requested', 'hole', 'retry')),
        requested_at  timestamptz NOT NULL DEFAULT now(),
        -- When the data of the first copy was read.
        started_at    timestamptz,
        finished_at   timestamptz,
        size_bytes    bigint,
        proved_at     timestamptz,
        proof         jsonb,
        kept_as       text CHECK (kept_as IN ('daily', 'weekly', 'monthly')),
        expired_at    timestamptz
      );
      CREATE INDEX backups_database ON backups (database_id, id);

      CREATE TABLE backup_copies (
        backup_id     text NOT NULL REFERENCES backups ON DELETE CASCADE,
        site          text NOT NULL,
        state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'stored', 'failed', 'expired')),
        label         text,
        stored_bytes  bigint,
        frozen_until  timestamptz,
        error         text,
        PRIMARY KEY (backup_id, site),
        CHECK (state <> 'stored' OR label IS NOT NULL)
      );

      CREATE TABLE backup_sites (
        id      text PRIMARY KEY,
        usable  boolean NOT NULL,
        reason  text,
        since   timestamptz NOT NULL DEFAULT now()
      );

      GRANT SELECT ON backups, backup_copies TO freehold_tenant;
      ALTER TABLE backups ENABLE ROW LEVEL SECURITY;
      ALTER TABLE backup_copies ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant ON backups TO freehold_tenant USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id));
      CREATE POLICY tenant ON backup_copies TO freehold_tenant USING (EXISTS (SELECT FROM backups WHERE backups.id = backup_id))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE backup_sites, backup_copies, backups, backup_sets');
  }
}
