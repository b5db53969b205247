import { describe, expect, it } from 'vitest';

import { volumeKey } from '../../../../../src/engine/local/fleet/volume-key.js';
import { volumeBytes } from '../../../../../src/engine/local/fleet/volume-size.js';

const GIB = 2 ** 30;

describe('the size of a volume', () => {
  it.each([1, 10, 50, 200])('has room for two copies of a plan of %i GiB, and for what else it may take', (diskGb) => {
    const most = 2 * 1.1 * diskGb + 0.5 * diskGb + Math.min(diskGb / 5, 10) + Math.min(diskGb / 10, 2) + 0.25;
    expect(volumeBytes({ diskGb })).toBeGreaterThan(most * GIB);
    expect(volumeBytes({ diskGb }) % 4_096).toBe(0);
  });

  it('is a wall: no plan takes more than four times its size, but for the reserve', () => {
    for (const diskGb of [1, 10, 200]) expect(volumeBytes({ diskGb })).toBeLessThanOrEqual((4 * diskGb + 1) * GIB);
  });
});

describe('the key of a volume', () => {
  const database = Buffer.alloc(64, 7).toString('base64');

  it('is 64 bytes, the same whenever it is made', () => {
    expect(volumeKey(database, 'hst_a')).toMatch(/^[0-9a-f]{128}$/);
    expect(volumeKey(database, 'hst_a')).toBe(volumeKey(database, 'hst_a'));
  });

  it('is another one on each host, and of each database', () => {
    const keys = [volumeKey(database, 'hst_a'), volumeKey(database, 'hst_b'), volumeKey(Buffer.alloc(64, 8).toString('base64'), 'hst_a')];
    expect(new Set(keys).size).toBe(3);
  });
});
