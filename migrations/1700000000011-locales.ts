import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By what each database sorts text; those that are there were all made with the same. */
export class Locales1700000000011 implements MigrationInterface {
  readonly name = 'Locales1700000000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE databases
        ADD COLUMN locale_provider text NOT NULL DEFAULT 'libc' CHECK (locale_provider IN ('libc', 'icu', 'builtin')),
        ADD COLUMN locale text NOT NULL DEFAULT 'C.UTF-8'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE databases DROP COLUMN locale, DROP COLUMN locale_provider');
  }
}
