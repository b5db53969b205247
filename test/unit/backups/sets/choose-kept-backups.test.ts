import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseKeptBackups, type DatedBackup, KEPT } from '../../../../src/backups/sets/choose-kept-backups.js';

const DAY_MS = 86_400_000;
const FIRST = Date.UTC(2026, 0, 1, 2, 30);
const onDay = (day: number, proved = false): DatedBackup => ({ id: `bkp_${String(day).padStart(5, '0')}`, startedAt: new Date(FIRST + day * DAY_MS), proved });
const ageDays = (backup: DatedBackup, today: Date): number => (today.getTime() - backup.startedAt.getTime()) / DAY_MS;

/** Backs up each day of which the pattern says so, and expires each day what is not kept. */
function live(days: readonly boolean[], offset = 0): { kept: DatedBackup[]; today: Date } {
  let kept: DatedBackup[] = [];
  let today = new Date(FIRST);
  days.forEach((backsUp, index) => {
    const backup = onDay(index + offset);
    today = backup.startedAt;
    if (backsUp) kept = [backup, ...kept];
    const { keep } = chooseKeptBackups(kept, today);
    kept = kept.filter(({ id }) => keep.has(id));
  });
  return { kept, today };
}

describe('the backups that are kept', () => {
  it('are fourteen after 130 days, the oldest at least 90 days old, on whatever day it began', () => {
    for (let offset = 0; offset < 28; offset += 1) {
      const { kept, today } = live(Array.from({ length: 130 }, () => true), offset);
      expect(kept).toHaveLength(14);
      expect(ageDays(kept.at(-1)!, today)).toBeGreaterThanOrEqual(90);
      const { keep } = chooseKeptBackups(kept, today);
      for (const [slot, count] of Object.entries(KEPT)) expect([...keep.values()].filter((kind) => kind === slot)).toHaveLength(count);
    }
  });

  it('are the same, chosen day by day, as if nothing had been expired before', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), fc.nat(60), (days, offset) => {
      const all = days.flatMap((backsUp, index) => (backsUp ? [onDay(index + offset)] : []));
      const { kept, today } = live(days, offset);
      const { keep } = chooseKeptBackups(all, today);
      expect(kept.map(({ id }) => id)).toEqual(all.filter(({ id }) => keep.has(id)).map(({ id }) => id).reverse());
    }));
  });

  it('are never none, always the newest, never more than the slots and one that was proved, and kept or expired but not both', () => {
    const backup = fc.record({ day: fc.nat(400), minute: fc.nat(1200), proved: fc.boolean() });
    fc.assert(fc.property(fc.uniqueArray(backup, { minLength: 1, maxLength: 60, selector: ({ day, minute }) => day * 10_000 + minute }), (drawn) => {
      const backups = drawn.map(({ day, minute, proved }): DatedBackup => ({ id: `bkp_${day}_${minute}`, startedAt: new Date(FIRST + day * DAY_MS + minute * 1_000), proved }));
      const newest = backups.reduce((a, b) => (b.startedAt > a.startedAt ? b : a));
      const { keep, expire } = chooseKeptBackups(backups, new Date(newest.startedAt.getTime() + 2 * DAY_MS));
      expect(keep.has(newest.id)).toBe(true);
      expect(keep.size).toBeLessThanOrEqual(15);
      expect([...keep.keys(), ...expire].sort()).toEqual(backups.map(({ id }) => id).sort());
      const proved = backups.filter((candidate) => candidate.proved);
      if (proved.length > 0) expect(keep.has(proved.reduce((a, b) => (b.startedAt > a.startedAt ? b : a)).id)).toBe(true);
    }));
  });

  it('are never fewer with a clock that goes back, and with one that is ahead all but those of a day that has others', () => {
    const backup = fc.record({ day: fc.nat(400), minute: fc.nat(1_200), proved: fc.boolean() });
    const drawn = fc.uniqueArray(backup, { minLength: 1, maxLength: 60, selector: ({ day, minute }) => day * 10_000 + minute });
    fc.assert(fc.property(drawn, fc.integer({ min: -10, max: 800 }), fc.nat(400), (days, clock, back) => {
      const backups = days.map(({ day, minute, proved }): DatedBackup => ({ id: `bkp_${day}_${minute}`, startedAt: new Date(FIRST + day * DAY_MS + minute * 1_000), proved }));
      const at = (day: number) => chooseKeptBackups(backups, new Date(FIRST + day * DAY_MS));
      const known = new Set(at(clock).expire);
      expect(at(clock - back).expire.filter((id) => !known.has(id)), 'expired by going back').toEqual([]);
      expect(at(100_000).keep.size).toBeGreaterThanOrEqual(Math.min(KEPT.daily, new Set(days.map(({ day }) => day)).size));
      const lastProved = backups.filter(({ proved }) => proved).sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
      if (lastProved) for (const day of [clock, clock - back, 100_000]) expect(at(day).keep.has(lastProved.id), 'the last that was proved').toBe(true);
    }));
  });

  it('are those of the last days, though a clock that was a year ahead has left others', () => {
    const real = Array.from({ length: 30 }, (_, day) => onDay(day, day === 20));
    const ahead = Array.from({ length: 10 }, (_, day) => onDay(400 + day, true));
    const { keep, expire } = chooseKeptBackups([...real, ...ahead], real.at(-1)!.startedAt);
    expect([...keep].filter(([, slot]) => slot === 'daily').map(([id]) => id)).toEqual(real.slice(-7).reverse().map(({ id }) => id));
    expect(expire.filter((id) => ahead.some((backup) => backup.id === id))).toEqual([]);
    expect(keep.has(real[20]!.id)).toBe(true);
  });

  it('have all of today beside the slots', () => {
    const twice = [onDay(9), { ...onDay(9), id: 'bkp_again', startedAt: new Date(onDay(9).startedAt.getTime() + 1_000) }];
    expect([...chooseKeptBackups(twice, onDay(9).startedAt).keep]).toEqual([['bkp_again', 'daily'], ['bkp_00009', null]]);
  });
});
