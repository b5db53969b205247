import { describe, expect, it } from 'vitest';
import { floorBytes, hasRoomForDrill, isFull } from '../../../src/engine/disk-floor.js';
import { judgeRoom } from '../../../src/health/judge-storage.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** What one process unpacks in a second. */
const UNPACKS_BYTES = 170 * MIB;

describe('a drill on a host whose disk is almost full', () => {
  it.each([
    ['begins where databases keep what opens them again', 20, 2, 0.6 * GIB, true],
    ['does not begin where they would not', 20, 1.5, 0.6 * GIB, false],
    ['begins with a small one on a small disk', 2, 0.25, 25 * MIB, true],
    ['does not where it would fit, but not beside the floor', 2, 0.15, 25 * MIB, false],
    ['begins with a large one where there is much', 4_000, 1_000, 900 * GIB, true],
    ['does not where nothing is free', 20, 0, MIB, false],
  ])('%s', (_, totalGib, freeGib, bytes, may) => {
    expect(hasRoomForDrill({ usedBytes: (totalGib - freeGib) * GIB, freeBytes: freeGib * GIB }, bytes)).toBe(may);
  });

  it('has no neighbour stopped, at any moment of what it writes, and goes before one would be', () => {
    for (const totalBytes of [GIB, 20 * GIB, 4_000 * GIB]) {
      for (const bytes of [MIB, 25 * MIB, 300 * MIB, 5 * GIB, 200 * GIB]) {
        // The least that lets it begin.
        const freeBytes = 2 * floorBytes(totalBytes) + bytes + Math.min(3 * bytes, 512 * MIB);
        if (freeBytes > totalBytes) continue;
        expect(hasRoomForDrill({ usedBytes: totalBytes - freeBytes, freeBytes }, bytes)).toBe(true);
        const fellBytes = Math.min(bytes, UNPACKS_BYTES);
        for (const written of [0, bytes / 2, bytes]) {
          const left = freeBytes - written;
          expect(judgeRoom({ freeBytes: left, totalBytes, fellBytes, wasTight: false }), `${left} of ${totalBytes}`).toEqual({ pressing: false, tight: false });
          expect(isFull({ usedBytes: totalBytes - left, freeBytes: left })).toBe(false);
        }
      }
    }
    const room = { usedBytes: 20 * GIB - 2 * floorBytes(20 * GIB) + 1, freeBytes: 2 * floorBytes(20 * GIB) - 1 };
    expect(isFull(room), 'then it gives way').toBe(true);
    expect(judgeRoom({ freeBytes: room.freeBytes, totalBytes: 20 * GIB, fellBytes: 0, wasTight: false }).pressing, 'before others are stopped').toBe(false);
  });
});
