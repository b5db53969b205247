import { describe, expect, it } from 'vitest';
import { type Disaster, type DisasterReport, findBreaches } from '../../../src/cli/drill/disaster/disaster-report.js';
import { fitRestores } from '../../../src/cli/drill/disaster/fit-restores.js';
import { measureLoss } from '../../../src/cli/drill/disaster/measure-loss.js';
import { predictRestores, timeLanes } from '../../../src/cli/drill/disaster/predict-restores.js';

const MIB = 2 ** 20;

describe('the loss in a disaster', () => {
  const before = [1, 2, 3, 4].map((number) => ({ number, atMs: 1_000 * number }));

  it('is as old as the oldest row that is missing', () => {
    expect(measureLoss(before, new Set([3, 4]), 4_500)).toEqual({ lost: 2, rpoSeconds: 1.5, holes: 0 });
  });

  it('is none where every row is there, and all where none is', () => {
    expect(measureLoss(before, new Set(), 4_500)).toEqual({ lost: 0, rpoSeconds: 0, holes: 0 });
    expect(measureLoss(before, new Set([1, 2, 3, 4]), 4_500)).toEqual({ lost: 4, rpoSeconds: 3.5, holes: 0 });
    expect(measureLoss([], new Set([7]), 4_500)).toEqual({ lost: 0, rpoSeconds: 0, holes: 0 });
  });

  it('has a hole where a younger row was restored', () => {
    expect(measureLoss(before, new Set([2, 4]), 4_500)).toEqual({ lost: 2, rpoSeconds: 2.5, holes: 1 });
  });
});

describe('the time of a restore', () => {
  it('is split into what is the same for each and what grows with the size', () => {
    const { fixedSeconds, bytesPerSecond, isTold } = fitRestores([{ bytes: 10 * MIB, seconds: 6 }, { bytes: 10 * MIB, seconds: 8 }, { bytes: 60 * MIB, seconds: 12 }]);
    expect([fixedSeconds, bytesPerSecond / MIB].map((value) => Number(value.toFixed(6)))).toEqual([6, 10]);
    expect(isTold).toBe(true);
  });

  it('has no part below zero', () => {
    const { fixedSeconds, bytesPerSecond } = fitRestores([{ bytes: 10 * MIB, seconds: 1 }, { bytes: 100 * MIB, seconds: 100 }]);
    expect(fixedSeconds).toBe(0);
    expect(100 * MIB / bytesPerSecond).toBeGreaterThan(90);
  });

  it.each([
    ['the larger one was faster', [{ bytes: 10 * MIB, seconds: 5 }, { bytes: 40 * MIB, seconds: 4 }]],
    ['there is one', [{ bytes: 40 * MIB, seconds: 4 }]],
    ['all are nearly as large', [{ bytes: 40 * MIB, seconds: 4 }, { bytes: 41 * MIB, seconds: 8 }]],
  ])('is taken too long rather than too short where %s', (_, samples) => {
    const { fixedSeconds, bytesPerSecond, isTold } = fitRestores(samples);
    expect(isTold).toBe(false);
    for (const { bytes, seconds } of samples) expect(fixedSeconds + bytes / bytesPerSecond).toBeGreaterThanOrEqual(seconds);
  });

  it('is unknown where nothing was measured', () => {
    expect(() => fitRestores([])).toThrow(RangeError);
  });
});

describe('the prediction for a fleet', () => {
  const model = { fixedSeconds: 5, bytesPerSecond: 10 * MIB, isTold: true };
  const places = (...hosts: string[]) => hosts.map((host) => ({ host, dataCenter: host.slice(0, -2) }));

  it('takes jobs in their order, each as soon as a lane is free', () => {
    expect(timeLanes([], 4)).toBe(0);
    expect(timeLanes([3, 3, 3, 3], 4)).toBe(3);
    expect(timeLanes([3, 1, 1, 1, 1, 1], 4)).toBe(3);
    expect(timeLanes([1, 1, 1, 1, 10], 4)).toBe(11);
    expect(timeLanes([2, 3, 4], 1)).toBe(9);
  });

  it('tells for each server and each data centre when all its databases are back, the slowest first', () => {
    const fleet = [
      { id: 'db_1', backupBytes: 50 * MIB, places: places('paris-1', 'berlin-1') },
      { id: 'db_2', backupBytes: 150 * MIB, places: places('paris-2', 'berlin-1') },
      { id: 'db_3', backupBytes: null, places: places('paris-1', 'rome-1') },
    ];
    expect(predictRestores(fleet, model, 1).map(({ lost, id, databases, seconds, withoutBackup }) => [lost, id, databases, seconds, withoutBackup])).toEqual([
      ['data centre', 'berlin', 2, 30, []],
      ['server', 'berlin-1', 2, 30, []],
      ['data centre', 'paris', 3, 30, ['db_3']],
      ['server', 'paris-2', 1, 20, []],
      ['server', 'paris-1', 2, 10, ['db_3']],
      ['data centre', 'rome', 1, 0, ['db_3']],
      ['server', 'rome-1', 1, 0, ['db_3']],
    ]);
  });

  it('restores in the order in which the product does, whatever order they are listed in', () => {
    const fleet = [9, 1, 2, 3, 4].map((number) => ({ id: `db_${number}`, backupBytes: number * 10 * MIB, places: places('paris-1') }));
    const [first] = predictRestores(fleet, { ...model, fixedSeconds: 0 }, 4);
    expect(first?.seconds).toBe(10);
  });
});

describe('what a drill of disasters finds', () => {
  const disaster: Disaster = {
    databaseId: 'db_1', destroyedAt: '2026-11-24T10:00:00.000Z', backupBytes: MIB, rtoSeconds: 6, steps: {}, acknowledged: 100, lost: 3, rpoSeconds: 20, holes: 0, damaged: 0, failure: null,
  };
  const report = (one: Partial<Disaster>, more: Partial<DisasterReport> = {}): DisasterReport => ({
    region: 'europe', canaries: ['db_1'], sizesMib: [8], stopped: null, disasters: [{ ...disaster, ...one }], model: null, restoresAtOnce: 4, predictions: [], ...more,
  });

  it('is well where little was lost, and all would be back in time', () => {
    expect(findBreaches(report({}))).toEqual([]);
  });

  it.each([
    [report({ rpoSeconds: 100 }), '100.0 s of acknowledged writes were lost'],
    [report({ holes: 2 }), '2 acknowledged writes are missing that are older'],
    [report({ damaged: 1 }), '1 rows of what was in the backups'],
    [report({ failure: 'was not restored' }), 'db_1: was not restored'],
    [report({}, { stopped: 'the drill was stopped' }), 'ended early: the drill was stopped'],
    [report({}, { predictions: [{ lost: 'server', id: 'hst_1', databases: 900, withoutBackup: [], bytes: MIB, seconds: 25_000, promisedSeconds: 21_600 }] }), 'the server hst_1 would take 6.9 h, and 6.0 h are promised'],
  ])('is told where a promise is broken: %#', (broken, says) => {
    expect(findBreaches(broken)).toEqual([expect.stringContaining(says)]);
  });
});
