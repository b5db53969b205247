import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How much the data of a database takes, who may write to it and why not everybody, and the token of that. */
export class Storage1700000000014 implements MigrationInterface {
  readonly name = 'Storage1700000000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases
        ADD COLUMN storage_used_bytes bigint,
        ADD COLUMN writing text NOT NULL DEFAULT 'open' CHECK (writing IN ('open', 'readOnly', 'closed')),
        ADD COLUMN writing_because text CHECK (writing_because IN ('plan', 'host')),
        ADD COLUMN writing_changes bigint NOT NULL DEFAULT 0,
        ADD CHECK ((writing = 'open') = (writing_because IS NULL))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE databases DROP COLUMN storage_used_bytes, DROP COLUMN writing, DROP COLUMN writing_because, DROP COLUMN writing_changes',
    );
  }
}
