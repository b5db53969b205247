import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sendMalformed } from '../support/send-malformed.js';

/** Of the ten thousand that `npm run soak -- malformed-requests` sends, as many as there is time for. */
const REQUESTS = 500;
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));

describe('malformed requests', () => {
  it(`are answered without a fault of ours: ${REQUESTS} of them (FUZZ_SEED=${SEED} sends the same again)`, async () => {
    const { statuses, faults, failedOperations, isReady } = await sendMalformed({ requests: REQUESTS, seed: SEED });
    expect(faults).toEqual([]);
    expect(failedOperations).toEqual([]);
    expect(isReady).toBe(true);
    // They get past the door, too.
    for (const status of [200, 400, 401, 403, 404]) expect(statuses.get(status) ?? 0, `${status} of ${JSON.stringify([...statuses])}`).toBeGreaterThan(0);
  });
});
