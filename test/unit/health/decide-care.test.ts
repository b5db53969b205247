import { describe, expect, it } from 'vitest';
import { type CareFacts, decideCare } from '../../../src/health/decide-care.js';
import type { RunningChange } from '../../../src/operations/running-change.js';
import { meaningOf } from '../../support/operation-tables.js';

const well: CareFacts = {
  verdict: { verdict: 'well' }, change: null, automationPaused: false, inSync: ['s'], expected: ['s'], streaming: ['s'], slotless: [], unfollowedMs: 0,
};
const lost = { verdict: { verdict: 'lost', reason: 'dead' } } as const;

describe('decideCare', () => {
  it.each<[string, Omit<Partial<CareFacts>, 'change'> & { readonly change?: RunningChange }]>([
    ['nothing', {}],
    ['failover', lost],
    ['recover', { ...lost, inSync: [] }],
    ['nothing', { ...lost, automationPaused: true }],
    ['nothing', { ...lost, change: { kind: 'switchover', step: 'stop' } }],
    ['nothing', { ...lost, change: { kind: 'failover', step: 'fence' } }],
    // A switchover that waits for a quiet moment has done nothing yet.
    ['failover', { ...lost, change: { kind: 'switchover', step: 'quiet' } }],
    ['recover', { ...lost, inSync: [], change: { kind: 'switchover', step: 'quiet' } }],
    ['reprotect', { streaming: [], unfollowedMs: 2_000, change: { kind: 'switchover', step: 'quiet' } }],
    ['nothing', { streaming: [], unfollowedMs: 2_000, change: { kind: 'switchover', step: 'pause' } }],
    ['failover', { ...lost, change: { kind: 'failover', step: 'rebuild' } }],
    ['failover', { ...lost, change: { kind: 'reprotect', step: 'rebuild' } }],
    ['failover', { ...lost, change: { kind: 'rotate-password', step: 'record' } }],
    ['recover', { verdict: { verdict: 'alone', reason: 'both' } }],
    ['nothing', { verdict: { verdict: 'blind', reason: 'cut off' }, streaming: [], unfollowedMs: 9_000 }],
    ['nothing', { verdict: { verdict: 'wait', reason: 'restarting' }, streaming: undefined }],
    ['nothing', { streaming: [], unfollowedMs: 500 }],
    ['reprotect', { streaming: [], unfollowedMs: 2_000 }],
    ['nothing', { streaming: [], unfollowedMs: 2_000, change: { kind: 'reprotect', step: 'look' } }],
    ['reprotect', { inSync: [] }],
    // While redundancy is being brought back one more may go, the primary or a standby that is needed.
    ['recover', { ...lost, inSync: [], change: { kind: 'failover', step: 'rebuild' } }],
    ['recover', { ...lost, inSync: [], change: { kind: 'reprotect', step: 'look' } }],
    ['recover', { verdict: { verdict: 'alone', reason: 'both' }, change: { kind: 'switchover', step: 'synchronize' } }],
    ['nothing', { ...lost, inSync: [], change: { kind: 'recover', step: 'start-primary' } }],
    ['nothing', { ...lost, inSync: [], change: { kind: 'failover', step: 'abort' } }],
    ['reprotect', { expected: ['s', 't'], streaming: ['t'], unfollowedMs: 9_000, change: { kind: 'failover', step: 'rebuild' } }],
    ['nothing', { expected: ['s', 't'], streaming: ['s'], unfollowedMs: 9_000, change: { kind: 'reprotect', step: 'rebuild' } }],
    ['reprotect', { expected: ['s', 't'], streaming: ['s'], unfollowedMs: 9_000, change: { kind: 'reprotect', step: 'widen' } }],
    ['nothing', { streaming: [], unfollowedMs: 9_000, change: { kind: 'reprotect', step: 'record-alone' } }],
    ['nothing', { streaming: [], unfollowedMs: 9_000, change: { kind: 'rotate-password', step: 'record' } }],
    ['reprotect', { expected: ['s', 't'], streaming: ['s', 't'] }],
    // A slot that was lost keeps nothing for its standby, which streams on for as long as it can.
    ['reprotect', { slotless: ['s'] }],
    ['nothing', { slotless: ['gone'] }],
    ['nothing', { slotless: ['s'], automationPaused: true }],
    ['nothing', { slotless: ['s'], change: { kind: 'reprotect', step: 'restart' } }],
  ])('asks for %s given %o', (ask, facts) => {
    expect(decideCare({ ...well, ...facts, change: facts.change ? meaningOf(facts.change) : null }).ask).toBe(ask);
  });
});
