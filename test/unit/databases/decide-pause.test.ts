import { describe, expect, it } from 'vitest';
import { decidePause, describeTransactions, type PauseFacts } from '../../../src/databases/decide-pause.js';
import type { OpenTransaction } from '../../../src/engine/ports.js';

const open = (openSeconds: number, more: Partial<OpenTransaction> = {}): OpenTransaction =>
  ({ pid: 4242, user: 'shop', application: 'report', state: 'idle in transaction', since: '2026-11-24T10:00:00.123456Z', openSeconds, ...more });
const begun: PauseFacts = { transactions: [], waitedMs: 0, sinceFailureMs: 0, failures: 0, endAfterMs: null };
const decide = (facts: Partial<PauseFacts>) => decidePause({ ...begun, ...facts });

describe('whether clients are paused', () => {
  it('is now, when nothing is open, or nothing that has been for long', () => {
    expect(decide({})).toEqual({ decision: 'pause' });
    expect(decide({ transactions: [open(0.4), open(0.01)] })).toEqual({ decision: 'pause' });
  });

  it('is not while a transaction has been open for long, however long that takes within an hour', () => {
    expect(decide({ transactions: [open(2), open(0.1)] })).toEqual({ decision: 'wait', forMs: 250, for: [open(2)] });
    expect(decide({ transactions: [open(1_000)], waitedMs: 20_000 })).toMatchObject({ decision: 'wait', forMs: 2_000 });
    expect(decide({ transactions: [open(9_000)], waitedMs: 3_599_000 })).toMatchObject({ decision: 'wait', forMs: 5_000 });
    expect(decide({ transactions: [open(9_000)], waitedMs: 3_600_000 })).toMatchObject({ decision: 'give-up', for: [open(9_000)] });
  });

  it('is after a while although there is always one that is open for a few seconds, for those end within the limit', () => {
    expect(decide({ transactions: [open(3)], waitedMs: 29_000 })).toMatchObject({ decision: 'wait' });
    expect(decide({ transactions: [open(3)], waitedMs: 31_000 })).toEqual({ decision: 'pause' });
    expect(decide({ transactions: [open(5)], waitedMs: 31_000 })).toMatchObject({ decision: 'wait' });
  });

  it('is less and less often after it was in vain, and then not any more', () => {
    expect(decide({ failures: 1, sinceFailureMs: 4_900 })).toMatchObject({ decision: 'wait', for: [] });
    expect(decide({ failures: 1, sinceFailureMs: 5_000 })).toEqual({ decision: 'pause' });
    expect(decide({ failures: 3, sinceFailureMs: 19_000 })).toMatchObject({ decision: 'wait' });
    expect(decide({ failures: 3, sinceFailureMs: 20_000 })).toEqual({ decision: 'pause' });
    expect(decide({ failures: 5, sinceFailureMs: 1e9 })).toMatchObject({ decision: 'give-up' });
  });

  it('is once an operator\'s time is over and what is in the way was ended', () => {
    const transactions = [open(4_000), open(0.2)];
    expect(decide({ transactions, endAfterMs: 60_000, waitedMs: 59_900 })).toMatchObject({ decision: 'wait', forMs: 100 });
    expect(decide({ transactions, endAfterMs: 60_000, waitedMs: 60_000 })).toEqual({ decision: 'end', transactions: [open(4_000)] });
    expect(decide({ transactions, endAfterMs: 0 })).toMatchObject({ decision: 'end' });
    // A bound that is longer than an hour is an operator's to set.
    expect(decide({ transactions, endAfterMs: 7_200_000, waitedMs: 3_700_000 })).toMatchObject({ decision: 'wait' });
  });
});

describe('the words for transactions', () => {
  it('stay the same for as long as they are open, and hold nothing of what they do', () => {
    expect(describeTransactions([open(3)])).toBe('a transaction of shop (report), process 4242, idle in transaction, open since 2026-11-24T10:00:00Z');
    expect(describeTransactions([open(3)])).toBe(describeTransactions([open(30)]));
    expect(describeTransactions([open(3, { application: '' }), open(2), open(2), open(2), open(2)])).toMatch(/^a transaction of shop, process .*; 2 more$/);
  });
});
