import { describe, expect, it } from 'vitest';
import { RULES } from './rules.js';
import { runSeed } from './run-seed.js';
import { runScenario, SCENARIOS } from './scenarios.js';
import { formatTrace } from './scheduler.js';

/** A simulation that cannot fail proves nothing: whatever rule is left out, it must notice. */
describe('without a rule', () => {
  const proofs = SCENARIOS.filter(({ isProof }) => isProof !== false);

  it('has a scenario that proves it, for every rule', () => {
    expect(RULES.filter((rule) => !proofs.some((proof) => proof.rule === rule))).toEqual([]);
  });

  it.each(proofs.map((scenario) => [scenario.rule, scenario.name, scenario] as const))('%s, it finds: %s', async (rule, _name, scenario) => {
    const { script, violation } = await runScenario(scenario, new Set([rule]));
    expect(violation, violation ? undefined : formatTrace(script.world.scheduler.trace)).toBeDefined();
  });

  // Seeds find by chance what scripts say on purpose; those of the other rules need rarer coincidences.
  it.each([['1', 200], ['3a', 50], ['3d', 50], ['9', 20], ['13', 100], ['14', 400]] as const)('%s, one of %i seeds finds a violation', async (rule, seeds) => {
    for (let seed = 1; seed <= seeds; seed += 1) if ((await runSeed(seed, new Set([rule]))).violation) return;
    throw new Error(`nobody noticed that rule ${rule} is left out`);
  });
});
