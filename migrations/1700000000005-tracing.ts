import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The trace of the request that asked for an operation, so that its steps are a part of it in whatever process. */
export class Tracing1700000000005 implements MigrationInterface {
  readonly name = 'Tracing1700000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operations ADD COLUMN trace_parent text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operations DROP COLUMN trace_parent');
  }
}
