import { describe, expect, it } from 'vitest';
import type { DatabaseHistory } from '../../../src/uptime/count-uptime.js';
import { judgeBurn } from '../../../src/uptime/judge-burn.js';
import type { OutageCause } from '../../../src/uptime/outage.js';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const well: DatabaseHistory = { exists: { fromMs: 0, toMs: Infinity }, outages: [], gaps: [], windows: [] };
/** Down for so many seconds until so many seconds ago. */
const hit = (seconds: number, agoSeconds = 0, cause: OutageCause = 'host'): DatabaseHistory =>
  ({ ...well, outages: [{ fromMs: NOW - (agoSeconds + seconds) * 1000, toMs: NOW - agoSeconds * 1000, cause, planned: false }] });

describe('an error budget', () => {
  it.each([
    ['is not burnt by a failover', [hit(20)], undefined],
    ['is not burnt by less than 52 s', [hit(51)], undefined],
    ['burns within an hour', [hit(53)], 'critical'],
    ['burns no longer once it has been well for a while', [hit(600, 1_900)], undefined],
    ['burns over six hours', [hit(180, 400)], 'warning'],
    ['is not burnt by the customer', [hit(3_600, 0, 'customer')], undefined],
  ] as const)('of a database %s', (_, histories, severity) => {
    expect(judgeBurn(histories, 'database', NOW)?.severity).toBe(severity);
  });

  it('of the platform burns by the share of databases that are down', () => {
    const others = Array.from({ length: 9 }, () => well);
    expect(judgeBurn([hit(60), ...others], 'platform', NOW)).toBeUndefined();
    expect(judgeBurn([hit(600), ...others], 'platform', NOW)?.severity).toBe('critical');
    expect(judgeBurn([hit(3_600)], 'platform', NOW)).toEqual({ severity: 'critical', rate: expect.closeTo(1_000, 6), hours: 1 });
  });
});
