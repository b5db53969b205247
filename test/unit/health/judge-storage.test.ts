import { describe, expect, it } from 'vitest';
import { floorBytes } from '../../../src/engine/disk-floor.js';
import { chooseGrowing, grownBytes, isMeasureDue, judgeFilling, judgeRoom, judgeStorage, NOT_STOPPED, type Growth, type MeasureFacts, type StorageFacts } from '../../../src/health/judge-storage.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const ROOMY = { pressing: false, tight: false };
const FACTS: StorageFacts = { limitBytes: 10 * GIB, dataBytes: GIB, temporaryBytes: 0, grewBytes: 0, before: NOT_STOPPED, room: ROOMY, fillsRoom: false, filledAnyway: false };
const PLAN = { writing: 'readOnly', because: 'plan' } as const;
const HOST = { writing: 'readOnly', because: 'host' } as const;

describe('a database that fills its plan', () => {
  it.each([
    ['goes on just below it', { dataBytes: 10 * GIB - 1 }, 'open', false],
    ['is read-only from there on', { dataBytes: 10 * GIB }, 'readOnly', false],
    ['stays so until there is some room', { dataBytes: 9.6 * GIB, before: PLAN }, 'readOnly', false],
    ['is opened again with room', { dataBytes: 9.4 * GIB, before: PLAN }, 'open', false],
    ['lets those go on who grow a little to delete', { dataBytes: 10.9 * GIB, before: PLAN, grewBytes: 100 * MIB }, 'readOnly', false],
    ['ends those who make it grow past that', { dataBytes: 11 * GIB, before: PLAN, grewBytes: MIB }, 'readOnly', true],
    ['ends nobody who only deletes there', { dataBytes: 12 * GIB, before: PLAN, grewBytes: 0 }, 'readOnly', false],
    ['is not read-only for a large sort', { dataBytes: 8 * GIB, temporaryBytes: 2.5 * GIB, grewBytes: 2.5 * GIB }, 'open', false],
    ['ends sorts that take half of the plan together', { dataBytes: GIB, temporaryBytes: 5 * GIB }, 'open', true],
  ] as const)('%s', (_, facts, writing, endGrowth) => {
    expect(judgeStorage({ ...FACTS, ...facts })).toEqual({ writing, because: writing === 'open' ? null : 'plan', endGrowth });
  });
});

describe('on a host whose disk is almost full', () => {
  const pressing = { pressing: true, tight: true };
  const tight = { pressing: false, tight: true };

  it.each([
    ['what fills it is read-only', { room: pressing, fillsRoom: true }, HOST, true],
    ['what was begun in that moment is ended', { room: pressing, fillsRoom: true, before: HOST }, HOST, true],
    ['what fills it all the same is closed', { room: pressing, fillsRoom: true, filledAnyway: true, before: HOST }, { writing: 'closed', because: 'host' }, true],
    ['what is closed stays closed', { room: pressing, fillsRoom: true, before: { writing: 'closed', because: 'host' } as const }, { writing: 'closed', because: 'host' }, true],
    ['what had outgrown its plan before has one look, too', { room: pressing, fillsRoom: true, before: PLAN, dataBytes: 10 * GIB }, HOST, true],
    ['a neighbour goes on', { room: pressing }, NOT_STOPPED, false],
    ['what was stopped stays so until there is room', { room: tight, before: HOST }, HOST, false],
    ['and is opened then', { before: HOST }, NOT_STOPPED, false],
    ['unless its plan is full, too', { before: { writing: 'closed', because: 'host' } as const, dataBytes: 10 * GIB }, PLAN, false],
  ])('%s', (_, facts, stop, endGrowth) => {
    expect(judgeStorage({ ...FACTS, ...facts })).toEqual({ ...stop, endGrowth });
  });

  it('it presses when little is left, or will be in a moment, and stays tight until twice as much is free', () => {
    const totalBytes = 40 * GIB;
    const floor = floorBytes(totalBytes);
    const seen = { totalBytes, fellBytes: 0, wasTight: false };
    expect(judgeRoom({ ...seen, freeBytes: floor })).toEqual(ROOMY);
    expect(judgeRoom({ ...seen, freeBytes: floor - 1 })).toEqual(pressing);
    expect(judgeRoom({ ...seen, freeBytes: floor + GIB, fellBytes: GIB / 2 })).toEqual(pressing);
    expect(judgeRoom({ ...seen, freeBytes: floor + GIB, fellBytes: -GIB })).toEqual(ROOMY);
    expect(judgeRoom({ ...seen, freeBytes: 2 * floor - 1, wasTight: true })).toEqual(tight);
    expect(judgeRoom({ ...seen, freeBytes: 2 * floor, wasTight: true })).toEqual(ROOMY);
  });

  it('keeps little of a small disk, and not much of a large one', () => {
    expect([GIB, 20 * GIB, 4_000 * GIB].map(floorBytes)).toEqual([64 * MIB, 0.4 * GIB, GIB]);
  });

  it('what is deleted or vacuumed does not count, although it writes WAL', () => {
    const before = { dataBytes: GIB, temporaryBytes: 0, walBytes: 100 * MIB };
    expect(grownBytes({ ...before, walBytes: 164 * MIB }, before)).toBe(0);
    expect(grownBytes({ ...before, walBytes: 20 * MIB }, before), 'what was recycled makes up for nothing').toBe(0);
    expect(grownBytes({ dataBytes: GIB + MIB, temporaryBytes: MIB, walBytes: 174 * MIB }, before)).toBe(12 * MIB);
  });

  it('those fill it who grow fast, but not by what PostgreSQL does itself', () => {
    const grew = (databaseId: string, grewBytes: number, seconds = 1): Growth => ({ databaseId, grewBytes, seconds });
    expect(chooseGrowing([grew('db_a', 200 * MIB), grew('db_b', 30 * MIB), grew('db_c', 15 * MIB), grew('db_d', 0), grew('db_e', 400 * MIB, 300)])).toEqual(['db_a', 'db_b']);
    expect(chooseGrowing([grew('db_a', 8 * MIB), grew('db_b', -GIB)])).toEqual([]);
    expect(chooseGrowing([grew('db_a', 9 * MIB, 300)]), 'nobody else does').toEqual(['db_a']);
  });
});

describe('a database is measured', () => {
  const facts: MeasureFacts = { limitBytes: 10 * GIB, dataBytes: GIB, stopped: false, room: ROOMY, movedBytes: 0, fellBytes: 0, sinceMs: 60_000 };

  it.each([
    ['first of all', { dataBytes: undefined, sinceMs: 0 }, true],
    ['not while it is idle', {}, false],
    ['not for a trickle', { movedBytes: 100 * MIB }, false],
    ['every five minutes for a trickle', { movedBytes: 1, sinceMs: 300_000 }, true],
    ['when much was written', { movedBytes: 256 * MIB, sinceMs: 1 }, true],
    ['when little was written close to its limit', { dataBytes: 9.95 * GIB, movedBytes: 8 * MIB, sinceMs: 1 }, true],
    ['at each look on a disk that is almost full', { room: { pressing: true, tight: true }, movedBytes: 1, sinceMs: 1 }, true],
    ['when its disk has lost much, which need not have been logged', { fellBytes: 256 * MIB, sinceMs: 30_000 }, true],
    ['but not all the time for what others write', { fellBytes: GIB, sinceMs: 29_000 }, false],
    ['but not if it is idle there', { room: { pressing: true, tight: true } }, false],
    ['soon after something happens, when it is stopped', { stopped: true, movedBytes: 1, sinceMs: 2_000 }, true],
    ['now and then, when it is stopped', { stopped: true, sinceMs: 29_000 }, false],
    ['twice an hour in any case', { sinceMs: 1_800_000 }, true],
  ])('%s', (_, change, due) => {
    expect(isMeasureDue({ ...facts, ...change })).toBe(due);
  });
});

describe('the size is warned of', () => {
  it.each([
    [0.79, undefined, undefined],
    [0.8, undefined, 'warning'],
    [0.9, undefined, 'critical'],
    [0.85, 'critical', 'critical'],
    [0.76, 'warning', 'warning'],
    [0.74, 'critical', undefined],
  ] as const)('at %d after %s: %s', (share, before, after) => {
    expect(judgeFilling(share, before)).toBe(after);
  });
});
