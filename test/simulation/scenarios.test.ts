import { describe, expect, it } from 'vitest';
import { formatTrace } from './scheduler.js';
import { runScenario, SCENARIOS } from './scenarios.js';

describe('the holes that the protocol closes', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.rule, scenario.name, scenario] as const))('rule %s: %s', async (_rule, _name, scenario) => {
    const { script, violation } = await runScenario(scenario);
    expect(violation, violation && formatTrace(script.world.scheduler.trace)).toBeUndefined();
  });
});
