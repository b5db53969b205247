import { Faults, planFaults } from './faults.js';
import { Violation } from './invariants.js';
import { Random } from '../support/random.js';
import type { RulesOff } from './rules.js';
import { formatTrace } from './scheduler.js';
import { World } from './world.js';

export interface SeedResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Simulated milliseconds from the last fault until everything was well again. */
  readonly settledAfterMs: number;
  readonly commits: number;
  readonly events: number;
  readonly promotions: number;
  readonly trace: () => string;
}

/** The faults of a run all begin within this time. */
const FAULTS_LAST_MS = 20_000;
/** How long it may take, once all faults are over, until the database is writable and redundant (invariant 3). */
export const SETTLE_LIMIT_MS = 10 * 60_000;
/** How long an operator waits before accepting the loss of what was only on a lost disk. */
const OPERATOR_WAITS_MS = 60_000;

/** Runs one world whose every chance is drawn from the seed. */
export async function runSeed(seed: number, rulesOff: RulesOff = new Set()): Promise<SeedResult> {
  const instances = new Random(seed).happens(0.5) ? 2 : 3;
  const world = new World({ seed, instances, rulesOff });
  const faults = new Faults(world);
  let violation: Violation | undefined;
  let settledAfterMs = 0;
  try {
    world.start();
    world.stage.isChaotic = true;
    world.stage.sleepiness = world.random.pick([0, 0.01, 0.01, 0.04]);
    planFaults(world, faults, FAULTS_LAST_MS);
    await world.run(FAULTS_LAST_MS + 10_000);
    faults.heal();
    settledAfterMs = await settle(world, faults);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  const { scheduler, invariants, records } = world;
  return {
    seed, violation, settledAfterMs, commits: invariants.commits, events: scheduler.trace.length, promotions: records.present.epoch - 1,
    trace: () => `seed ${seed}, ${instances} instances: ${violation?.message ?? 'well'}\n${formatTrace(scheduler.trace)}`,
  };
}

async function settle(world: World, faults: Faults): Promise<number> {
  const { scheduler } = world;
  const since = scheduler.now;
  const isWell = (): boolean => world.isWell(since);
  while (scheduler.now - since < SETTLE_LIMIT_MS) {
    // What was lost with the last disk that had it, and half-made copies of it, nobody brings back.
    if (!world.hasGoodCopy) return 0;
    if (await world.run(scheduler.now + OPERATOR_WAITS_MS, isWell)) return scheduler.now - since;
    // Only an operator may give up what was on a lost disk alone.
    if (!faults.primary.data?.complete) world.ask({ kind: 'failover', forced: true, acceptDataLoss: true, reason: 'its disk is lost' });
  }
  throw new Violation('3', `not writable and redundant ${SETTLE_LIMIT_MS / 1_000} s after the last fault`);
}
