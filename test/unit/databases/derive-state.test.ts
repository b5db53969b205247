import { describe, expect, it } from 'vitest';
import { deriveState, type DatabaseFacts, type DatabaseState } from '../../../src/databases/derive-state.js';
import type { Meaning } from '../../../src/operations/traits.js';
import { meaningOf } from '../../support/operation-tables.js';

const healthy: DatabaseFacts = {
  deleted: false, provisioned: true, change: null, primary: 'running', inSync: 1, commitsWait: false, standbys: 1,
};
const at = (kind: string, step: string): Meaning => meaningOf({ kind, step });

describe('deriveState', () => {
  it.each<[DatabaseState, Partial<DatabaseFacts>]>([
    ['available', {}],
    ['degraded', { inSync: 0 }],
    ['degraded', { inSync: 1, standbys: 2 }],
    ['unavailable', { primary: 'lost' }],
    ['unavailable', { primary: null }],
    ['unavailable', { inSync: 0, commitsWait: true }],
    ['failing-over', { change: at('failover', 'fence'), primary: 'lost' }],
    ['unavailable', { change: at('failover', 'rebuild'), primary: 'lost' }],
    ['provisioning', { provisioned: false, change: at('provision', 'place') }],
    ['failed', { provisioned: false }],
    ['failing-over', { change: at('switchover', 'pause') }],
    // It may wait for hours until it is quiet, and nobody is held up meanwhile.
    ['available', { change: at('switchover', 'quiet') }],
    ['degraded', { change: at('switchover', 'checkpoint'), inSync: 0 }],
    ['degraded', { change: at('failover', 'rebuild'), inSync: 0 }],
    ['failing-over', { change: at('failover', 'route') }],
    ['deleting', { change: at('delete', 'secure'), primary: null }],
    ['deleted', { deleted: true, change: null, primary: null }],
    ['available', { change: at('rotate-password', 'record') }],
  ])('is %s for %o', (state, facts) => {
    expect(deriveState({ ...healthy, ...facts })).toBe(state);
  });
});
