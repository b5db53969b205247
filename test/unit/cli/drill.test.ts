import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Database, type Operation, type Problem, ProblemError } from '../../../clients/typescript/src/client.js';
import { describePromotion, explainRisk } from '../../../src/cli/client/promotion-commands.js';
import { drawPlot } from '../../../src/cli/drill/draw-plot.js';
import { expectAfter, FAULTS, parseFaults } from '../../../src/cli/drill/faults.js';
import type { Round } from '../../../src/cli/drill/run-round.js';
import { summarizeRounds } from '../../../src/cli/drill/summarize-rounds.js';
import { findWorkingBelow } from '../../../src/engine/local/machine/processes.js';

const round = (outageSeconds: number, more: Partial<Round> = {}): Round => ({
  injectedAt: '2026-11-24T10:00:00.000Z', outageSeconds, redundantSeconds: 2 * outageSeconds, clientErrors: 1, acknowledged: 10, lost: [], epoch: 2, failure: null, ...more,
});

describe('the faults of a drill', () => {
  it('are given one by one, or joined by a plus', () => {
    for (const fault of FAULTS) expect(parseFaults(fault)).toEqual([fault]);
    expect(parseFaults('kill + worker-killed')).toEqual(['kill', 'worker-killed']);
  });

  it.each(['nonsense', 'kill+', 'kill+hang', 'kill+standby-lost'])('are refused if they make no sense: %s', (text) => {
    expect(() => parseFaults(text)).toThrow(/fault|one of/);
  });

  it('are over when the gravest of them is', () => {
    expect(expectAfter(['redis-emptied', 'kill'])).toBe('promotion');
    expect(expectAfter(['worker-killed', 'standby-lost'])).toBe('reprotection');
    expect(expectAfter(['gateway-killed'])).toBe('nothing');
  });
});

describe('the rounds of a drill', () => {
  it('are summed up by values that were measured', () => {
    const rounds = [3, 1, 2, 10].map((seconds) => round(seconds));
    expect(summarizeRounds(rounds, [])).toEqual({
      outageSeconds: { median: 2, p95: 10, worst: 10 }, redundantSeconds: { median: 4, p95: 20, worst: 20 }, acknowledged: 40, lost: 0, clientErrors: 4, failed: 0,
    });
  });

  it('count a lost write once, and one that a later round lost too', () => {
    expect(summarizeRounds([round(1, { lost: [7] }), round(1, { failure: 'late', redundantSeconds: null })], [7, 3])).toMatchObject({ lost: 2, failed: 1 });
  });

  it('of which there is none have no spread', () => {
    expect(summarizeRounds([], [])).toMatchObject({ outageSeconds: null, redundantSeconds: null });
  });

  it('are drawn as a plot that stands alone, in a scale that holds all of them', () => {
    const plot = drawPlot('kill & hang', [round(0.3), round(0.5), round(1, { redundantSeconds: null })]);
    expect(plot).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(plot).toContain('kill &amp; hang');
    expect(plot.match(/<title>/g)).toHaveLength(5);
    const heights = [...plot.matchAll(/cy="([\d.]+)" r="4" fill="[^"]+"><title>/g)].map(([, height]) => Number(height));
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(64);
    expect(Math.max(...heights)).toBeLessThanOrEqual(312);
    expect(drawPlot('nothing', [])).toContain('</svg>');
  });
});

describe('what a promotion has done', () => {
  const database = (epoch: number, host: string): Database => ({ id: 'db_1', epoch, inSync: true, instances: [{ role: 'primary', host, dataCenter: 'paris' }] }) as unknown as Database;
  const operation = {
    createdAt: '2026-11-24T10:00:00.000Z', finishedAt: '2026-11-24T10:00:02.000Z',
    steps: [{ name: 'route', state: 'succeeded', startedAt: null, finishedAt: '2026-11-24T10:00:00.250Z', detail: null }],
  } as unknown as Operation;

  it('is told with its times', () => {
    expect(describePromotion(database(1, 'hst_a'), database(2, 'hst_b'), operation)).toBe(
      'db_1: hst_a (paris) → hst_b (paris), epoch 1 → 2\nwritable again 0.25 s after the request\nredundant again after 2.00 s');
  });

  it.each([[4096, '4096 bytes of WAL may be lost'], [null, 'nobody can tell how much may be lost']])('is refused with what is at risk, and how to go on: %s', (bytesAtRisk, says) => {
    const refused = new ProblemError(409, { title: 'The failover could lose data', bytesAtRisk } as unknown as Problem, undefined);
    const explain = (): never => explainRisk({ asJson: false }, { id: 'db_1' }, refused);
    expect(explain).toThrow(says);
    expect(explain).toThrow('freehold failover db_1 --accept-data-loss');
  });

  it('that failed otherwise is told as it is', () => {
    const problem = new ProblemError(409, { title: 'Another operation is in the way' } as unknown as Problem, undefined);
    expect(() => explainRisk({ asJson: false }, { id: 'db_1' }, problem)).toThrow(problem);
  });

  it('is nothing if the epoch is the same', () => {
    expect(describePromotion(database(1, 'hst_a'), database(1, 'hst_a'), operation)).toBe('db_1 has the same primary as before, at epoch 1');
  });
});

describe('the processes below a directory', () => {
  it('are found by whatever path it was reached', async () => {
    const root = mkdtempSync(join(tmpdir(), 'freehold-below-'));
    mkdirSync(join(root, 'real/a/b'), { recursive: true });
    symlinkSync(join(root, 'real'), join(root, 'other-name'));
    const child = spawn('sleep', ['30'], { cwd: join(root, 'other-name/a/b') });
    try {
      await once(child, 'spawn');
      expect(findWorkingBelow(join(root, 'real/a')).map(({ pid }) => pid)).toEqual([child.pid]);
      expect(findWorkingBelow(join(root, 'nowhere'))).toEqual([]);
    } finally {
      child.kill('SIGKILL');
      rmSync(root, { recursive: true });
    }
  });
});
