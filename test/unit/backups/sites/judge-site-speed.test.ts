import { describe, expect, it } from 'vitest';
import { isTrialDue, judgeTrials, type SiteSpeed } from '../../../../src/backups/sites/judge-site-speed.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const before = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1_000);
const site = (id: string, more: Partial<SiteSpeed> = {}): SiteSpeed => ({ id, slow: null, triedAt: null, ...more });

describe('sites are tried', () => {
  it.each([
    ['while WAL waits', [site('a'), site('b')], 30, true],
    ['not while it does not', [site('a'), site('b')], 29, false],
    ['not again at once', [site('a', { triedAt: before(59) })], 300, false],
    ['again after a minute', [site('a', { triedAt: before(60) })], 300, true],
    ['from time to time while one is left out', [site('a', { slow: 'it is slow', triedAt: before(600) }), site('b', { triedAt: before(600) })], 0, true],
    ['and not all the time', [site('a', { slow: 'it is slow', triedAt: before(599) })], 0, false],
    ['though the clock went back a year', [site('a', { triedAt: before(-31_536_000) })], 300, true],
    ['not if none answers', [], 300, false],
  ] as const)('%s', (_, sites, waitingSeconds, due) => {
    expect(isTrialDue(sites, waitingSeconds, NOW)).toBe(due);
  });
});

describe('a trial', () => {
  const slowOf = (took: Record<string, number>, known: readonly SiteSpeed[] = []): string[] =>
    judgeTrials(Object.entries(took).map(([id, tookMs]) => ({ id, tookMs })), known).flatMap(({ id, slow }) => (slow === null ? [] : [id]));

  it('leaves out who is slow in itself and beside the others', () => {
    expect(slowOf({ a: 40, b: 2_001, c: 60 })).toEqual(['b']);
    expect(judgeTrials([{ id: 'a', tookMs: 40 }, { id: 'b', tookMs: 5_300 }], [])[1]!.slow).toBe('it is slow: a MiB takes 5.3 s there, and 0.0 s elsewhere');
  });

  it('leaves out nobody who is fast enough, or no slower than the others', () => {
    expect(slowOf({ a: 1, b: 2_000, c: 1 })).toEqual([]);
    expect(slowOf({ a: 1_000, b: 4_000, c: 3_000 })).toEqual([]);
  });

  it('never leaves out all', () => {
    expect(slowOf({ a: 20_000, b: 20_000 })).toEqual([]);
    expect(slowOf({ a: 20_000 })).toEqual([]);
  });

  it('takes back who is well within the limit', () => {
    const known = [site('b', { slow: 'it is slow' })];
    expect(slowOf({ a: 40, b: 1_500 }, known)).toEqual(['b']);
    expect(slowOf({ a: 40, b: 1_000 }, known)).toEqual([]);
  });
});
