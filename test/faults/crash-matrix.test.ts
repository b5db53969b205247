import { afterAll, describe, expect, it } from 'vitest';
import { VACATE } from '../../src/relocation/vacate.operation.js';
import { openLaboratory } from './support/laboratory.js';
import type { Moment } from './support/mortal-worker.js';
import { changing, type Scenario, SCENARIOS } from './support/scenarios.js';

/*
 * Every step of every kind of operation is interrupted before and after each of its side effects, and resumed by
 * another worker. Which moments there are is found by letting each scenario run once undisturbed, so that a new step, or
 * a new effect in an old one, is interrupted without anybody having to think of it.
 */
const laboratory = await openLaboratory();
afterAll(() => laboratory.close());

// Emptying hosts has no effect of its own: it asks for operations that are all here themselves.
const kinds = laboratory.registry.all().map(({ kind }) => kind).filter((kind) => kind !== VACATE);
const scenarios = kinds.flatMap((kind) => {
  const known = SCENARIOS.filter((scenario) => scenario.kind === kind);
  return known.length > 0 ? known : [changing(kind, 'of a healthy database')];
});
const rehearsed: { scenario: Scenario; moments: readonly Moment[] }[] = [];
for (const scenario of scenarios) rehearsed.push({ scenario, moments: await rehearse(scenario) });

/** What cannot be rehearsed is missed by the test that every step is reached. */
async function rehearse(scenario: Scenario): Promise<readonly Moment[]> {
  try {
    const { databaseId, operation } = await scenario.begin(laboratory);
    const worker = laboratory.mortalWorker(databaseId);
    await worker.work(operation.id);
    return worker.moments;
  } catch (error) {
    process.stderr.write(`${scenario.kind}, ${scenario.name}, cannot be rehearsed: ${String(error)}\n`);
    return [];
  }
}

async function interrupt(scenario: Scenario, at: number): Promise<void> {
  const { databaseId, operation } = await scenario.begin(laboratory);
  const callsBefore = laboratory.engine.callsOf(databaseId).length;
  const worker = laboratory.mortalWorker(databaseId, at);
  await worker.work(operation.id);
  expect(worker.died).toBe(true);
  const ofTheDead = laboratory.engine.callsOf(databaseId).slice(callsBefore);

  const ended = await laboratory.finish(operation.id);
  const ofTheSuccessor = laboratory.engine.callsOf(databaseId).slice(callsBefore + ofTheDead.length);
  expect(ended).toMatchObject({ state: scenario.ends, error: scenario.ends === 'succeeded' ? null : { left: 'nothing' } });
  await scenario.check(laboratory, databaseId);
  const highest = ofTheDead.reduce((token, call) => (call.token > token ? call.token : token), 0n);
  expect(ofTheSuccessor.every(({ token }) => token > highest), 'the successor acts with higher tokens').toBe(true);

  await worker.wake();
  expect(await laboratory.operation(operation.id), 'the dead worker, woken up, changes nothing').toEqual(ended);
  await scenario.check(laboratory, databaseId);
  const exclusive = await laboratory.query('SELECT id FROM operations WHERE subject_id = $1 AND exclusive AND finished_at IS NULL', [databaseId]);
  expect(exclusive).toEqual([]);
}

describe.each(rehearsed)('$scenario.kind, $scenario.name, resumes after a crash', ({ scenario, moments }) => {
  it.concurrent.each(moments.map(({ step, name }, at) => ({ at, title: `at "${step}", ${name}` })))('$at: $title', ({ at }) => interrupt(scenario, at));
});

describe.each(kinds)('the scenarios of %s', (kind) => {
  it('reach every step of its table', () => {
    const reached = new Set(rehearsed.filter(({ scenario }) => scenario.kind === kind).flatMap(({ moments }) => moments.map(({ step }) => step)));
    const steps = laboratory.registry.get(kind).steps.map(({ name }) => name);
    expect(steps.filter((step) => !reached.has(step)), 'add a scenario that reaches them to support/scenarios.ts').toEqual([]);
  });
});
