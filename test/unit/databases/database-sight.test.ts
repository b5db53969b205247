import { describe, expect, it } from 'vitest';
import type { DatabaseSight, SeenInstance } from '../../../src/databases/database-sight.js';
import { stateOf, type StateRow } from '../../../src/databases/database-document.js';
import { seeState } from '../../../src/databases/database-sight.js';
import { meaningOf } from '../../support/operation-tables.js';

const member = (id: string, role: 'primary' | 'standby', state: 'running' | 'fenced' | 'rebuilding' = 'running') => ({ id, role, state });
const MEMBERS = [member('p', 'primary'), member('s', 'standby')];
const sightOf = (p: SeenInstance, s: SeenInstance, streaming: string[] | null, change: Partial<DatabaseSight> = {}): DatabaseSight => ({
  epoch: 1, inSync: ['s'], instances: { p: { state: 'running', seen: p }, s: { state: 'running', seen: s } }, streaming, ...change,
});
const row = (p: SeenInstance, s: SeenInstance, streaming: string[] | null, change: Partial<StateRow> = {}): StateRow => ({
  plan: 'starter', epoch: 1, in_sync: ['s'], provisioned_at: new Date(), deleted_at: null, change: null, instances: MEMBERS,
  sight: sightOf(p, s, streaming), sight_seconds: 0, ...change,
});

describe('the state that people see', () => {
  it.each<[string, boolean, StateRow]>([
    ['available', true, row('answers', 'answers', ['s'])],
    ['available', true, row('answers', 'answers', ['s'], { sight: null })],
    ['available', true, row('unknown', 'unknown', null)],
    ['unavailable', true, row('refused', 'answers', null)],
    ['unavailable', true, row('silent', 'answers', null)],
    ['unavailable', true, row('restarting', 'answers', null)],
    ['unavailable', false, row('refused', 'refused', null)],
    ['degraded', false, row('answers', 'refused', [])],
    ['degraded', false, row('answers', 'answers', [])],
    // Commits wait for a standby that is not there: who lets them go on does so within a few seconds.
    ['unavailable', false, row('answers', 'refused', [], { sight_seconds: 10 })],
    ['degraded', false, row('answers', 'refused', [], { in_sync: [], sight_seconds: 10 })],
    // What was recorded since the look is newer.
    ['available', true, row('answers', 'answers', null, { sight: sightOf('answers', 'answers', [], { inSync: [] }) })],
    ['available', true, row('answers', 'answers', null, { epoch: 2, sight: sightOf('answers', 'answers', []) })],
    ['available', true, row('answers', 'refused', null, { sight: sightOf('answers', 'answers', [], { inSync: [], instances: { s: { state: 'rebuilding', seen: 'refused' } } }) })],
    ['degraded', true, row('answers', 'refused', null, {
      plan: 'business', in_sync: ['s', 't'], instances: [...MEMBERS, member('t', 'standby')], sight: sightOf('answers', 'refused', ['t'], { inSync: ['s', 't'] }), sight_seconds: 10,
    })],
    ['failing-over', true, row('refused', 'answers', null, { change: { kind: 'failover', step: 'fence' } })],
    ['unavailable', false, row('refused', 'answers', null, { in_sync: [], change: { kind: 'failover', step: 'rebuild' } })],
  ])('is %s, in sync %s, for %o', (state, inSync, seen) => {
    const told = stateOf(seen, meaningOf);
    expect([told.state, told.inSync > 0]).toEqual([state, inSync]);
  });

  it.each<[string, SeenInstance, 'running' | 'fenced' | 'rebuilding']>([
    ['running', 'answers', 'running'], ['lost', 'refused', 'running'], ['lost', 'silent', 'running'], ['starting', 'restarting', 'running'], ['running', 'unknown', 'running'],
    ['fenced', 'refused', 'fenced'], ['rebuilding', 'refused', 'rebuilding'],
  ])('of an instance is %s if it %s and is recorded as %s', (state, seen, recorded) => {
    expect(seeState(member('p', 'primary', recorded), sightOf(seen, 'answers', null))).toBe(state);
  });
});
