import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AskedWindow, judgeWindow, nearestAllowed, type WindowFacts } from '../../../src/maintenance/judge-window.js';

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Singapore', 'Asia/Dubai', 'Australia/Sydney'];
const NOW = new Date('2026-11-29T12:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const facts = (more: Partial<WindowFacts> = {}): WindowFacts => ({ zone: 'Europe/Berlin', now: NOW, others: [], ...more });
const asked = (startsAt: string | Date, minutes = 30, more: Partial<AskedWindow> = {}): AskedWindow => {
  const start = new Date(startsAt);
  return { startsAt: start, endsAt: new Date(start.getTime() + minutes * MINUTE_MS), reason: null, urgent: false, ...more };
};
const faultsOf = (window: AskedWindow, more?: Partial<WindowFacts>): string[] => judgeWindow(window, facts(more)).map(({ message }) => message);

describe('a maintenance window', () => {
  it('may be in the night, on a week-end, and for an hour, 72 hours ahead', () => {
    expect(faultsOf(asked('2026-12-03T02:00:00Z', 60))).toEqual([]);
    expect(faultsOf(asked('2026-12-05T11:00:00Z', 60))).toEqual([]);
    expect(faultsOf(asked('2026-12-02T19:00:00Z', 60))).toEqual([]);
    // Up to the moment at which business begins, in Berlin.
    expect(faultsOf(asked('2026-12-03T06:00:00Z', 60))).toEqual([]);
  });

  it('is refused with everything that is wrong with it', () => {
    expect(faultsOf(asked('2026-11-30T09:00:00Z'))).toEqual([
      'must be at least 72 hours ahead', 'must be outside 08:00-20:00, Monday to Friday, in Europe/Berlin',
    ]);
    expect(faultsOf(asked('2026-12-03T02:00:00Z', 61))).toEqual(['must be within an hour of startsAt']);
    expect(faultsOf(asked('2026-12-03T02:00:00Z', 0))).toEqual(['must be after startsAt']);
    expect(faultsOf(asked('2026-11-29T11:00:00Z', 30, { urgent: true, reason: 'a hole' }))).toEqual(['is over']);
    expect(faultsOf(asked('2028-01-01T02:00:00Z'))).toEqual(['must be within 366 days']);
    expect(faultsOf(asked('2026-12-03T02:00:00Z', 30, { urgent: true }))).toEqual(['must say why, for an urgent window']);
    expect(faultsOf(asked('2026-12-03T06:30:00Z', 60))).toEqual(['must be outside 08:00-20:00, Monday to Friday, in Europe/Berlin']);
  });

  it('is the only one in two months unless there is a reason, and never overlaps another', () => {
    const others = [asked('2026-12-05T02:00:00Z', 60)];
    expect(faultsOf(asked('2027-02-05T01:59:00Z'), { others })).toEqual([expect.stringContaining('within 2 months of the window at 2026-12-05T02:00') as string]);
    expect(faultsOf(asked('2027-02-05T02:00:00Z'), { others })).toEqual([]);
    expect(faultsOf(asked('2027-01-16T02:00:00Z', 30, { reason: 'a disk' }), { others })).toEqual([]);
    expect(faultsOf(asked('2026-12-05T02:30:00Z', 30, { reason: 'a disk' }), { others })).toEqual(['overlaps the window that begins at 2026-12-05T02:00:00.000Z']);
  });

  it('may come at once, and at any hour, if it is urgent', () => {
    const urgent = { urgent: true, reason: 'CVE-2026-7777 is open to tenants' };
    expect(faultsOf(asked('2026-11-30T10:00:00Z', 60, urgent), { others: [asked('2026-11-28T02:00:00Z')] })).toEqual([]);
    expect(faultsOf(asked('2026-11-30T10:00:00Z', 60, urgent), { others: [asked('2026-11-30T10:30:00Z')] })).toHaveLength(1);
  });

  it('goes by the region\'s own clock on the days on which it changes', () => {
    // 02:00 becomes 03:00 on 28 March 2027, a Sunday; Monday's business begins an hour sooner in UTC than Friday's did.
    expect(faultsOf(asked('2027-03-26T06:30:00Z', 30))).toEqual([]);
    expect(faultsOf(asked('2027-03-29T06:00:00Z', 30))).toHaveLength(1);
    expect(faultsOf(asked('2027-03-29T05:30:00Z', 30))).toEqual([]);
  });

  it('is offered the nearest times that are allowed', () => {
    expect(nearestAllowed(asked('2026-12-03T10:00:00Z', 60), facts())).toEqual([
      { startsAt: new Date('2026-12-03T06:00:00Z'), endsAt: new Date('2026-12-03T07:00:00Z') },
      { startsAt: new Date('2026-12-03T19:00:00Z'), endsAt: new Date('2026-12-03T20:00:00Z') },
    ]);
    expect(nearestAllowed(asked('2026-11-30T02:00:00Z', 60), facts())).toEqual([
      { startsAt: new Date('2026-12-02T19:00:00Z'), endsAt: new Date('2026-12-02T20:00:00Z') },
    ]);
  });
});

/** The same rules by the minute, with the calendar of the language itself. */
const CALENDARS = new Map(ZONES.map((timeZone) => [timeZone, new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', hourCycle: 'h23' })]));
function isBusiness(time: Date, zone: string): boolean {
  const parts = CALENDARS.get(zone)?.formatToParts(time) ?? [];
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return !['Sat', 'Sun'].includes(of('weekday')) && Number(of('hour')) >= 8 && Number(of('hour')) < 20;
}
function isFree({ startsAt, endsAt }: Pick<AskedWindow, 'startsAt' | 'endsAt'>, zone: string): boolean {
  for (let time = startsAt.getTime(); time < endsAt.getTime(); time += 15 * MINUTE_MS) if (isBusiness(new Date(time), zone)) return false;
  return !isBusiness(new Date(endsAt.getTime() - 1), zone);
}

const QUARTER = fc.integer({ min: 0, max: 2 * 366 * 96 }).map((quarters) => new Date(Date.parse('2026-12-02T12:00:00Z') + quarters * 15 * MINUTE_MS));

describe('in every zone over two years', () => {
  it.each(ZONES)('business hours are those of the calendar in %s', (zone) => {
    fc.assert(fc.property(QUARTER, fc.constantFrom(15, 30, 45, 60), (start, minutes) => {
      const window = asked(start, minutes);
      const faults = judgeWindow(window, facts({ zone, now: new Date(start.getTime() - 4 * DAY_MS) }));
      expect(faults.length === 0).toBe(isFree(window, zone));
    }), { numRuns: 200 });
  });

  it.each(ZONES)('what is offered is allowed, and nothing between is, in %s', (zone) => {
    fc.assert(fc.property(QUARTER, fc.constantFrom(15, 60), fc.array(QUARTER, { maxLength: 3 }), fc.boolean(), (start, minutes, planned, urgent) => {
      const now = new Date(start.getTime() - 10 * DAY_MS);
      const window = asked(start, minutes, { urgent, reason: urgent ? 'a hole' : null });
      const all = facts({ zone, now, others: planned.map((time) => asked(time, 60)) });
      const offered = nearestAllowed(window, all);
      for (const { startsAt, endsAt } of offered) expect(judgeWindow({ startsAt, endsAt, reason: window.reason, urgent: false }, all).filter(({ message }) => !message.includes('366'))).toEqual([]);
      const after = offered.find(({ startsAt }) => startsAt >= start);
      const until = Math.min(after?.startsAt.getTime() ?? Infinity, start.getTime() + 5 * DAY_MS);
      for (let time = start.getTime(); time < until; time += 15 * MINUTE_MS) {
        expect(judgeWindow({ ...asked(new Date(time), minutes), reason: window.reason }, all)).not.toEqual([]);
      }
    }), { numRuns: 25 });
  });
});
