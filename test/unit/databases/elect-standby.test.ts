import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareLsns, electStandby, MOST_PROMOTIONS } from '../../../src/databases/elect-standby.js';

const candidate = (instanceId: string, lsn: string | undefined, answers = true) => ({ instanceId, answers, ...(lsn !== undefined && { lsn }) });

describe('electStandby', () => {
  it('takes the most WAL of those recorded in sync', () => {
    expect(electStandby(['a', 'b'], [candidate('a', '0/9'), candidate('b', '0/A0'), candidate('c', 'F/0')], false)).toEqual({ elected: 'b' });
  });

  it('takes nobody while one that is recorded in sync is silent: it may be the one that acknowledged', () => {
    expect(electStandby(['a', 'b'], [candidate('a', '0/9'), candidate('b', undefined, false)], false)).toEqual({ nobody: 'recorded in sync, but not answering: b' });
  });

  it('takes nobody when nobody is recorded in sync, unless an operator accepts the loss', () => {
    expect(electStandby([], [candidate('a', '0/9')], false)).toEqual({ nobody: 'no standby is recorded in sync' });
    expect(electStandby([], [candidate('a', '0/9'), candidate('b', '0/10')], true)).toEqual({ elected: 'b' });
    expect(electStandby(['a'], [candidate('a', undefined, false)], true)).toEqual({ nobody: 'no standby answers' });
  });

  it('passes over one whose promotion keeps failing, for one that has as much WAL', () => {
    const failing = { ...candidate('a', '0/9'), failedPromotions: MOST_PROMOTIONS };
    expect(electStandby(['a', 'b'], [{ ...failing, failedPromotions: 1 }, candidate('b', '0/9')], false)).toEqual({ elected: 'b' });
    expect(electStandby(['a', 'b'], [failing, candidate('b', '0/9')], false)).toEqual({ elected: 'b' });
    expect(electStandby(['a', 'b'], [failing, candidate('b', '0/8')], true)).toEqual({ elected: 'b' });
  });

  it('gives up rather than take one that has less, for it may lack what was acknowledged', () => {
    const failing = { ...candidate('a', '0/9'), failedPromotions: MOST_PROMOTIONS };
    expect(electStandby(['a', 'b'], [failing, candidate('b', '0/8')], false)).toMatchObject({ isFinal: true });
    expect(electStandby(['a'], [failing], false)).toMatchObject({ isFinal: true });
    expect(electStandby([], [failing], true)).toMatchObject({ isFinal: true });
  });

  it('by itself never takes one that is not recorded in sync', () => {
    const candidates = fc.array(fc.record({ instanceId: fc.constantFrom('a', 'b', 'c'), answers: fc.boolean(), lsn: fc.constantFrom('0/1', '0/2', '1/0') }));
    fc.assert(fc.property(fc.subarray(['a', 'b', 'c']), candidates, (inSync, all) => {
      const election = electStandby(inSync, all, false);
      if ('elected' in election) expect(inSync).toContain(election.elected);
    }));
  });
});

describe('compareLsns', () => {
  it('compares by bytes, not by text', () => {
    expect(compareLsns('0/9', '0/A0')).toBeLessThan(0);
    expect(compareLsns('10/0', '9/FFFFFFFF')).toBeGreaterThan(0);
    expect(compareLsns('A/1', 'A/1')).toBe(0);
  });
});
