import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the clock showed when it was last looked at, by which a jump of it is seen. */
export class Clock1700000000008 implements MigrationInterface {
  readonly name = 'Clock1700000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE clock_reading (
        one         boolean PRIMARY KEY DEFAULT true CHECK (one),
        looked_at   timestamptz NOT NULL,
        doubted_at  timestamptz
      );
      ALTER TABLE clock_reading ENABLE ROW LEVEL SECURITY`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE clock_reading');
  }
}
