import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * From where clients may connect to a database, and whether its endpoint has been told so; and the passwords of an owner that overlap.
 */
export class Walls1700000000021 implements MigrationInterface {
  readonly name = 'Walls1700000000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases
        ADD COLUMN allow_list text[] NOT NULL DEFAULT '{0.0.0.0/0,::/0}',
        ADD COLUMN allow_list_enforced boolean NOT NULL DEFAULT true,
        ADD COLUMN owner_until timestamptz,
        ADD COLUMN owner_logins jsonb NOT NULL DEFAULT '[]'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases
        DROP COLUMN allow_list, DROP COLUMN allow_list_enforced, DROP COLUMN owner_until, DROP COLUMN owner_logins`);
  }
}
