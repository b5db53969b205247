import { expect } from 'vitest';
import { lostRows, NumberedWriter, type WriterReport } from '../../support/numbered-writer.js';
import { eventually } from '../../support/servers.js';
import type { DatabaseUnderTest } from '../../support/database-under-test.js';

/** Rows that the writer gets through before a fault, and after it. */
const ROWS_AROUND = 20;

/**
 * Runs a fault under a writer, and holds the outcome against the promises: writable and redundant again after so many
 * promotions, no acknowledged write lost, never two primaries.
 *
 * @param promotions `any` where both ways out are right
 */
export async function survive(database: DatabaseUnderTest, promotions: number | 'any', fault: (writer: NumberedWriter) => Promise<void>): Promise<WriterReport> {
  const { epoch } = await database.settled();
  const writer = await NumberedWriter.start(database.credentials.uri);
  const primaries = database.watchPrimaries();
  try {
    await eventually(() => writer.count > ROWS_AROUND);
    writer.resetGap();
    await fault(writer);
    await database.settled(promotions === 'any' ? undefined : epoch + promotions);
    const { count } = writer;
    await eventually(() => writer.count > count + ROWS_AROUND, 20_000);
  } finally {
    await writer.stop();
  }
  const report = await writer.stop();
  expect(await lostRows(database.credentials.uri, report)).toEqual([]);
  expect(await primaries.stop()).toBe(1);
  return report;
}
