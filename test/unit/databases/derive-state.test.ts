import { describe, expect, it } from 'vitest';
import { deriveState, type DatabaseFacts } from '../../../src/databases/derive-state.js';

const healthy: DatabaseFacts = { deleted: false, provisioned: true, change: null, changeStep: null, primary: 'running', inSync: 1, commitsWait: false, standbys: 1 };

describe('deriveState', () => {
  it.each([
    ['available', {}],
    ['degraded', { inSync: 0 }],
    ['degraded', { inSync: 1, standbys: 2 }],
    ['unavailable', { primary: 'lost' }],
    ['unavailable', { primary: null }],
    ['unavailable', { inSync: 0, commitsWait: true }],
    ['failing-over', { change: 'failover', changeStep: 'fence', primary: 'lost' }],
    ['unavailable', { change: 'failover', changeStep: 'rebuild', primary: 'lost' }],
    ['provisioning', { provisioned: false, change: 'provision' }],
    ['failed', { provisioned: false }],
    ['failing-over', { change: 'switchover', changeStep: 'pause' }],
    // It may wait for hours until it is quiet, and nobody is held up meanwhile.
    ['available', { change: 'switchover', changeStep: 'quiet' }],
    ['degraded', { change: 'switchover', changeStep: 'checkpoint', inSync: 0 }],
    ['degraded', { change: 'failover', changeStep: 'rebuild', inSync: 0 }],
    ['failing-over', { change: 'failover', changeStep: 'route' }],
    ['deleting', { change: 'delete', primary: null }],
    ['deleted', { deleted: true, change: null, primary: null }],
    ['available', { change: 'rotate-password' }],
  ] as const)('is %s for %o', (state, facts) => {
    expect(deriveState({ ...healthy, ...facts })).toBe(state);
  });
});
