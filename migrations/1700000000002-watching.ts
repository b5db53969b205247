import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who watches which database. */
export class Watching1700000000002 implements MigrationInterface {
  readonly name = 'Watching1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE watches (
        database_id  text PRIMARY KEY REFERENCES databases,
        worker       text NOT NULL,
        lease_until  timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE watches');
  }
}
