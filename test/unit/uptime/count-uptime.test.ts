import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AVAILABILITIES, type CountedMs, type CountedOutage, countDatabase, countPlatform, cutSegments, type DatabaseHistory, shareUp } from '../../../src/uptime/count-uptime.js';
import { monthAt, spanOfMonth } from '../../../src/uptime/month.js';
import { OUTAGE_CAUSES, type Span } from '../../../src/uptime/outage.js';

/** Days are short here, so that times meet. */
const PERIOD: Span = { fromMs: 1_000, toMs: 11_000 };
const time = fc.integer({ min: 0, max: 12_000 });
const span = fc.tuple(time, fc.integer({ min: 1, max: 4_000 })).map(([fromMs, length]): Span => ({ fromMs, toMs: fromMs + length }));
const outage = fc.record({ at: span, cause: fc.constantFrom(...OUTAGE_CAUSES), planned: fc.boolean(), open: fc.boolean() })
  .map(({ at, cause, planned, open }): CountedOutage => ({ ...at, ...(open && { toMs: Infinity }), cause, planned }));
const history = fc.record({
  exists: fc.tuple(time, fc.option(fc.integer({ min: 1, max: 12_000 }))).map(([fromMs, length]): Span => ({ fromMs, toMs: length === null ? Infinity : fromMs + length })),
  outages: fc.array(outage, { maxLength: 6 }), gaps: fc.array(span, { maxLength: 4 }), windows: fc.array(span, { maxLength: 3 }),
}) satisfies fc.Arbitrary<DatabaseHistory>;
const fleet = fc.array(history, { minLength: 1, maxLength: 6 });

const total = (counted: CountedMs): number => AVAILABILITIES.reduce((sum, is) => sum + counted[is], 0);
const within = ({ fromMs, toMs }: Span, atMs: number): boolean => fromMs <= atMs && atMs < toMs;

/** The rules once more, told for a single millisecond. */
function isAt({ exists, outages, gaps, windows }: DatabaseHistory, atMs: number): keyof CountedMs | undefined {
  if (!within(exists, atMs)) return undefined;
  const now = outages.filter((one) => within(one, atMs));
  const inWindow = windows.some((one) => within(one, atMs));
  if (now.some(({ planned }) => !planned || !inWindow)) return 'down';
  if (now.length > 0) return 'planned';
  return gaps.some((one) => within(one, atMs)) ? 'unknown' : 'up';
}

function expectClose(one: CountedMs, other: CountedMs): void {
  for (const is of AVAILABILITIES) expect(one[is]).toBeCloseTo(other[is], 6);
}

describe('the time of a database', () => {
  it('is what each of its milliseconds is', () => {
    fc.assert(fc.property(history, (of) => {
      const counted = { up: 0, down: 0, planned: 0, unknown: 0 };
      for (let atMs = PERIOD.fromMs; atMs < PERIOD.toMs; atMs += 1) {
        const is = isAt(of, atMs);
        if (is) counted[is] += 1;
      }
      expect(countDatabase(of, PERIOD)).toEqual(counted);
    }), { numRuns: 40 });
  });

  it('is cut into segments that touch and do not overlap', () => {
    fc.assert(fc.property(history, (of) => {
      const segments = cutSegments(of, PERIOD);
      segments.slice(1).forEach((segment, index) => expect(segment.fromMs).toBe(segments[index]!.toMs));
      expect(segments.every(({ fromMs, toMs }) => fromMs < toMs)).toBe(true);
    }));
  });

  it('is never up for more than all of it', () => {
    fc.assert(fc.property(history, (of) => {
      const counted = countDatabase(of, PERIOD);
      expect(total(counted)).toBeLessThanOrEqual(PERIOD.toMs - PERIOD.fromMs);
      const share = shareUp(counted);
      if (share !== null) expect(share).toBeLessThanOrEqual(1);
      else expect(counted.up + counted.down).toBe(0);
    }));
  });

  it('is the same in all when the month is counted in two parts', () => {
    fc.assert(fc.property(history, fc.integer({ min: PERIOD.fromMs + 1, max: PERIOD.toMs - 1 }), (of, cutMs) => {
      const [whole, first, rest] = [PERIOD, { ...PERIOD, toMs: cutMs }, { ...PERIOD, fromMs: cutMs }].map((part) => countDatabase(of, part));
      for (const is of AVAILABILITIES) expect(first![is] + rest![is]).toBe(whole![is]);
    }));
  });

  it('does not depend on the order in which things are told', () => {
    fc.assert(fc.property(history, (of) => {
      const turned = { ...of, outages: [...of.outages].reverse(), gaps: [...of.gaps].reverse(), windows: [...of.windows].reverse() };
      expect(countDatabase(turned, PERIOD)).toEqual(countDatabase(of, PERIOD));
    }));
  });

  it('counts outages that overlap once', () => {
    fc.assert(fc.property(history, (of) => {
      expect(countDatabase({ ...of, outages: [...of.outages, ...of.outages] }, PERIOD)).toEqual(countDatabase(of, PERIOD));
    }));
  });

  it('is never up for longer, nor for a larger share, with one more outage', () => {
    fc.assert(fc.property(history, outage, (of, more) => {
      const before = countDatabase(of, PERIOD);
      const after = countDatabase({ ...of, outages: [...of.outages, more] }, PERIOD);
      expect(after.up).toBeLessThanOrEqual(before.up);
      expect(after.down).toBeGreaterThanOrEqual(before.down);
      if (shareUp(before) !== null) expect(shareUp(after) ?? 0).toBeLessThanOrEqual(shareUp(before)! + 1e-12);
    }));
  });

  it('has no more downtime by what is planned and lies within its window', () => {
    fc.assert(fc.property(history, span, (of, window) => {
      const planned = { ...window, cause: 'operator', planned: true } as const;
      const windowed = { ...of, windows: [...of.windows, window] };
      const after = countDatabase({ ...windowed, outages: [...of.outages, planned] }, PERIOD);
      expect(after.down).toBe(countDatabase(windowed, PERIOD).down);
    }));
  });

  it('has downtime by what is planned and outlives its window', () => {
    const of = { exists: { fromMs: 0, toMs: Infinity }, gaps: [], windows: [{ fromMs: 2_000, toMs: 3_000 }], outages: [{ fromMs: 2_500, toMs: 3_250, cause: 'operator', planned: true }] } as const;
    expect(countDatabase(of, PERIOD)).toEqual({ up: 9_250, down: 250, planned: 500, unknown: 0 });
  });

  it('keeps apart what nobody observed: it is neither up nor down', () => {
    fc.assert(fc.property(history, span, (of, gap) => {
      const before = countDatabase(of, PERIOD);
      const after = countDatabase({ ...of, gaps: [...of.gaps, gap] }, PERIOD);
      expect(after.down).toBe(before.down);
      expect(after.planned).toBe(before.planned);
      expect(after.up + after.unknown).toBe(before.up + before.unknown);
      expect(after.unknown).toBeGreaterThanOrEqual(before.unknown);
    }));
  });
});

describe('the time of the platform', () => {
  it('is that of its database where it has one, but for what the customer did', () => {
    fc.assert(fc.property(history, (of) => {
      const others = of.outages.filter(({ cause }) => cause !== 'customer');
      expectClose(countPlatform([of], PERIOD), countDatabase({ ...of, outages: others }, PERIOD));
    }));
  });

  it('counts an outage by the share of the databases that it hits', () => {
    const well = { exists: { fromMs: 0, toMs: Infinity }, outages: [], gaps: [], windows: [] };
    const hit = { ...well, outages: [{ fromMs: 2_000, toMs: 3_000, cause: 'host', planned: false }] } as const;
    expect(countPlatform([hit, well, well, well], PERIOD)).toEqual({ up: 9_750, down: 250, planned: 0, unknown: 0 });
  });

  it('is not moved by what a customer did, not by a bit', () => {
    fc.assert(fc.property(fleet, outage, fc.nat(), (of, more, index) => {
      const own = { ...more, cause: 'customer' } as const;
      const hit = of.map((one, position) => (position === index % of.length ? { ...one, outages: [...one.outages, own] } : one));
      expect(countPlatform(hit, PERIOD)).toEqual(countPlatform(of, PERIOD));
    }));
  });

  it('adds up to the time in which there was a database', () => {
    fc.assert(fc.property(fleet, (of) => {
      const counted = countPlatform(of, PERIOD);
      let existed = 0;
      for (let atMs = PERIOD.fromMs; atMs < PERIOD.toMs; atMs += 1) if (of.some(({ exists }) => within(exists, atMs))) existed += 1;
      expect(total(counted)).toBeCloseTo(existed, 4);
    }), { numRuns: 40 });
  });

  it('is the same in all when the month is counted in two parts, in whatever order its databases are', () => {
    fc.assert(fc.property(fleet, fc.integer({ min: PERIOD.fromMs + 1, max: PERIOD.toMs - 1 }), (of, cutMs) => {
      const [first, rest] = [{ ...PERIOD, toMs: cutMs }, { ...PERIOD, fromMs: cutMs }].map((part) => countPlatform([...of].reverse(), part));
      const sum = Object.fromEntries(AVAILABILITIES.map((is) => [is, first![is] + rest![is]])) as unknown as CountedMs;
      expectClose(countPlatform(of, PERIOD), sum);
    }));
  });

  it('is never up for longer, nor for a larger share, with one more outage', () => {
    fc.assert(fc.property(fleet, outage, fc.nat(), (of, more, index) => {
      const hit = of.map((one, position) => (position === index % of.length ? { ...one, outages: [...one.outages, more] } : one));
      const [before, after] = [countPlatform(of, PERIOD), countPlatform(hit, PERIOD)];
      expect(after.up).toBeLessThanOrEqual(before.up + 1e-6);
      if (shareUp(before) !== null) expect(shareUp(after) ?? 0).toBeLessThanOrEqual(shareUp(before)! + 1e-9);
    }));
  });
});

describe('a month', () => {
  it('goes from border to border in UTC', () => {
    expect(spanOfMonth('2026-11')).toEqual({ fromMs: Date.parse('2026-11-01T00:00:00Z'), toMs: Date.parse('2026-12-01T00:00:00Z') });
    expect(spanOfMonth('2028-02').toMs - spanOfMonth('2028-02').fromMs).toBe(29 * 86_400_000);
    expect(spanOfMonth('2026-12').toMs).toBe(Date.parse('2027-01-01T00:00:00Z'));
    expect(monthAt(Date.parse('2026-12-01T00:30:00+02:00'))).toBe('2026-11');
  });
});
