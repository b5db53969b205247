import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { sendMalformed } from '../support/send-malformed.js';
import { startPostgres, startRedis } from '../support/servers.js';

const REQUESTS = 10_000;
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));

it(`${REQUESTS} malformed requests are answered without a fault of ours (FUZZ_SEED=${SEED} sends the same again)`, async () => {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  try {
    const { statuses, faults, failedOperations, isReady } = await sendMalformed({ requests: REQUESTS, seed: SEED }, { postgresUrl: postgres.url, redisUrl: redis.url });
    process.stdout.write(`${[...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(', ')}\n`);
    expect(faults).toEqual([]);
    expect(failedOperations).toEqual([]);
    expect(isReady).toBe(true);
  } finally {
    await Promise.all([postgres.stop(), redis.stop()]);
  }
});
