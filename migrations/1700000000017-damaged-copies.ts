import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the proof of a backup found damaged at a site, and when. */
export class DamagedCopies1700000000017 implements MigrationInterface {
  readonly name = 'DamagedCopies1700000000017';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE backup_copies ADD COLUMN damage text, ADD COLUMN damaged_at timestamptz,
        ADD CHECK ((damage IS NULL) = (damaged_at IS NULL))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE backup_copies DROP COLUMN damage, DROP COLUMN damaged_at');
  }
}
