import type { EntityManager } from 'typeorm';

/**
 * Runs a statement and answers with its rows.
 *
 * TypeORM answers INSERT … RETURNING with rows, but UPDATE and DELETE … RETURNING with a pair of rows and a count;
 * this makes one thing of both.
 */
export async function queryRows<Row>(tx: EntityManager, statement: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  const answer: unknown = await tx.query(statement, parameters as unknown[]);
  if (Array.isArray(answer) && answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number') return answer[0] as Row[];
  return answer as Row[];
}
