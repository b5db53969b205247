import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links by which a dump is downloaded once, without a key. Only the hash of a link's token is kept. */
export class DumpLinks1700000000007 implements MigrationInterface {
  readonly name = 'DumpLinks1700000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE dump_links (
        -- SHA-256 of the token, which has 256 random bits.
        hash           bytea PRIMARY KEY,
        database_id    text NOT NULL REFERENCES databases ON DELETE CASCADE,
        credential_id  text NOT NULL,
        created_at     timestamptz NOT NULL DEFAULT now(),
        expires_at     timestamptz NOT NULL,
        used_at        timestamptz
      );
      CREATE INDEX dump_links_expiry ON dump_links (expires_at);
      ALTER TABLE dump_links ENABLE ROW LEVEL SECURITY`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE dump_links');
  }
}
