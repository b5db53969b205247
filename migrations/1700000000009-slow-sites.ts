import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which backup sites are left out because WAL waits for them, with what was measured, and when each was tried last. */
export class SlowSites1700000000009 implements MigrationInterface {
  readonly name = 'SlowSites1700000000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE backup_sites ADD COLUMN slow text, ADD COLUMN tried_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE backup_sites DROP COLUMN slow, DROP COLUMN tried_at');
  }
}
