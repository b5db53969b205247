import { describe, it } from 'vitest';
import { runSeed } from './run-seed.js';

const FROM = Number(process.env['FREEHOLD_SIMULATION_FROM'] ?? 1);
const SEEDS = Number(process.env['FREEHOLD_SIMULATION_SEEDS'] ?? 1_000_000);
const AT_ONCE = 10_000;

/** Millions of seeds: for hours in which nobody waits. `FREEHOLD_SIMULATION_FROM` and `_SEEDS` say which. */
describe('the failover protocol under a lot of chance', () => {
  const begins = Array.from({ length: Math.ceil(SEEDS / AT_ONCE) }, (_, index) => FROM + index * AT_ONCE);
  it.each(begins)('holds its invariants from seed %i', async (begin) => {
    const end = Math.min(begin + AT_ONCE, FROM + SEEDS);
    const failures: string[] = [];
    for (let seed = begin; seed < end; seed += 1) {
      const { violation } = await runSeed(seed);
      if (violation) failures.push(`FREEHOLD_SIMULATION_SEED=${seed}: ${violation.message}`);
    }
    if (failures.length > 0) throw new Error(failures.join('\n'));
  });
});
