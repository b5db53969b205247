import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClockReading, judgeClock } from '../../../../src/backups/sites/judge-clock.js';

const START = Date.UTC(2026, 10, 27);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a clock is judged to be that shows these times, one after the other. */
const judge = (times: readonly number[]): ClockReading | undefined => times.reduce<ClockReading | undefined>((last, time) => judgeClock(last, new Date(time)), undefined);

describe('a clock', () => {
  it('is believed at first, and while it goes on by seconds', () => {
    expect(judge([START])).toEqual({ lookedAt: new Date(START), doubtedAt: null });
    expect(judge(Array.from({ length: 100 }, (_, at) => START + at * 2_000))?.doubtedAt).toBeNull();
    expect(judge([START, START - 500, START + 500])?.doubtedAt, 'a step of half a second').toBeNull();
  });

  it('that jumped by a day or a year, to and fro, is doubted until it has gone on steadily for a day', () => {
    const jump = fc.constantFrom(-400, -30, -1, 1, 8, 400).map((days) => days * DAY_MS);
    fc.assert(fc.property(fc.array(jump, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 23 }), (jumps, hours) => {
      const landed = jumps.reduce((times, by) => [...times, times.at(-1)! + by], [START]);
      const later = Array.from({ length: hours * 2 }, (_, at) => landed.at(-1)! + (at + 1) * HOUR_MS / 2);
      expect(judge([...landed, ...later])?.doubtedAt).toEqual(new Date(landed.at(-1)!));
      const dayLater = Array.from({ length: 48 }, (_, at) => landed.at(-1)! + (at + 1) * HOUR_MS / 2);
      expect(judge([...landed, ...dayLater])?.doubtedAt).toBeNull();
    }));
  });
});
