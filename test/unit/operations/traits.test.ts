import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DATABASE_STATES } from '../../../src/databases/derive-state.js';
import { assertWellFormed, type OperationDefinition, type Step } from '../../../src/operations/definition.js';
import { OperationRegistry } from '../../../src/operations/registry.js';
import type { Traits } from '../../../src/operations/traits.js';
import { OPERATION_REGISTRY, OPERATION_TABLES } from '../../support/operation-tables.js';

const step = (name: string, more: Partial<Step<unknown>> = {}): Step<unknown> =>
  ({ name, does: name, timeoutMs: 1, attempts: 1, onFailure: 'persist', run: () => Promise.resolve({ outcome: 'done' }), ...more });
const STEPS = [step('wait'), step('act'), step('lead'), step('mend'), step('end', { last: true }), step('abort')];
const journey = (traits: Traits, more: Partial<OperationDefinition<unknown>> = {}): OperationDefinition<unknown> => ({
  kind: 'journey', does: 'test', input: z.unknown(), exclusive: true, queue: 'changes', deadlineMs: 1, preempts: () => false, pointOfNoReturn: 'act',
  steps: STEPS, traits, ...more,
});

describe('a definition whose traits are not well formed', () => {
  it.each<[string, Traits, Partial<OperationDefinition<unknown>>]>([
    ['its trait beginsAt names "start", which is not a step', { beginsAt: 'start' }, {}],
    ['its trait awaitsBackupAt names "rest", which is not a step', { awaitsBackupAt: ['wait', 'rest'] }, {}],
    ['its trait idlesAt names no step', { idlesAt: [] }, {}],
    ['its trait rebuildsFrom begins after its last step', { rebuildsFrom: 'abort' }, {}],
    ['it has no way back before it begins', { beginsAt: 'lead' }, {}],
    ['its outage is over before it begins', { beginsAt: 'act', reprotectsFrom: 'wait' }, {}],
    ['it interrupts before it begins', { interruptsFrom: 'wait', beginsAt: 'act' }, {}],
    ['its outage is over before it interrupts', { interruptsFrom: 'mend', reprotectsFrom: 'act' }, {}],
    ['it rebuilds before its outage is over', { reprotectsFrom: 'mend', rebuildsFrom: 'lead' }, {}],
    ['it has traits, but others may change its subject meanwhile', { primary: 'ended' }, { exclusive: false }],
  ])('is refused: %s', (fault, traits, more) => {
    const definition = journey(traits, more);
    expect(() => assertWellFormed(definition)).toThrow(`operation "journey" is not well formed: ${fault}`);
    expect(() => new OperationRegistry().register(definition)).toThrow(fault);
  });

  it('is refused with every fault that it has', () => {
    expect(() => assertWellFormed(journey({ beginsAt: 'start', reprotectsFrom: 'stop' }))).toThrow(/"start".*; .*"stop"/);
  });
});

describe('what an operation means', () => {
  const registry = new OperationRegistry();
  registry.register(journey({ shows: 'away', primary: 'lost', beginsAt: 'act', reprotectsFrom: 'mend', rebuildsFrom: 'mend', idlesAt: ['wait'], ownsPromotionAt: ['act', 'abort'] }));
  const at = (name: string) => registry.meaningOf({ kind: 'journey', step: name });

  it('is what its traits say at the step that it has reached', () => {
    expect(at('wait')).toEqual({
      kind: 'journey', step: 'wait', shows: 'away', primary: 'lost', hasBegun: false, reprotects: false, rebuilds: false, idles: true,
      awaitsStandbys: false, awaitsInstances: false, awaitsBackup: false, ownsPromotion: false,
    });
    expect(at('act')).toMatchObject({ hasBegun: true, reprotects: false, idles: false, ownsPromotion: true });
    expect(at('end')).toMatchObject({ hasBegun: true, reprotects: true, rebuilds: true, ownsPromotion: false });
  });

  it('is, at the steps below its last one, what it is for one that does not go well', () => {
    expect(at('abort')).toMatchObject({ hasBegun: true, reprotects: false, rebuilds: false, ownsPromotion: true });
  });

  it('is that it has begun, at a step that its table does not have', () => {
    expect(at('of an earlier version')).toMatchObject({ hasBegun: true, reprotects: false });
  });

  it('is nothing, of a kind that nobody declared', () => {
    expect(registry.meaningOf({ kind: 'unheard-of', step: 'one' })).toMatchObject({ kind: 'unheard-of', hasBegun: true, reprotects: false });
    expect(registry.purposeOf('unheard-of')).toBeUndefined();
  });
});

describe('the kinds of operations that there are', () => {
  it('show states that databases have', () => {
    const shown = OPERATION_TABLES.flatMap(({ traits }) => traits?.shows ?? []);
    expect(DATABASE_STATES).toEqual(expect.arrayContaining(shown));
    expect(shown).not.toEqual([]);
  });

  it('are found by what they are for', () => {
    expect(OPERATION_REGISTRY.kindsFor('failover')).toEqual(['failover']);
    expect(OPERATION_REGISTRY.kindsFor('deletion')).toEqual(['delete']);
    expect(OPERATION_REGISTRY.interruptions()).toEqual(expect.arrayContaining([
      { kind: 'failover', from: 'fence', over: 'protect' }, { kind: 'switchover', from: 'pause', over: 'protect' },
      { kind: 'restore-in-place', from: 'close', over: null }, { kind: 'delete', from: 'close-routes', over: null },
    ]));
  });

  it('are named by no query', () => {
    const root = new URL('../../../src/', import.meta.url);
    const named = new RegExp(`\\bkind\\s*(=|<>|IN\\s*\\()\\s*'(${OPERATION_TABLES.map(({ kind }) => kind).join('|')})'`);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    expect(files.filter((file) => named.test(readFileSync(new URL(file, root), 'utf8')))).toEqual([]);
  });
});
