import { describe, expect, it } from 'vitest';
import { countRefusals } from '../../../../../src/engine/local/gateway/count-refusals.js';

describe('what a gateway refuses', () => {
  it('is added up by database and reason, and by no database for ports that are none\'s', () => {
    const ports = [
      { port: 1, counts: { 'first-bytes': 2, 'source-limit': 1 } }, { port: 2, counts: { 'first-bytes': 3 } },
      { port: 7, counts: { unassigned: 4 } }, { port: 8, counts: { unassigned: 1 } },
    ];
    expect(countRefusals(ports, new Map([[1, 'db_a'], [2, 'db_a'], [3, 'db_b']]))).toEqual([
      { databaseId: 'db_a', reason: 'first-bytes', count: 5 }, { databaseId: 'db_a', reason: 'source-limit', count: 1 }, { databaseId: null, reason: 'unassigned', count: 5 },
    ]);
  });
});
