import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgePrimary, type PrimarySight } from '../../../src/health/judge-primary.js';

const base: PrimarySight = {
  primary: { instanceId: 'p', sight: 'answers', misses: 0 },
  standbys: [{ instanceId: 's', sight: 'answers', misses: 0, receiving: false }],
  silentDataCenters: new Set(), missesToSuspect: 3,
};
const primary = (sight: PrimarySight['primary']['sight'], misses = 0) => ({ instanceId: 'p', sight, misses });

describe('judgePrimary', () => {
  it.each<[string, Partial<PrimarySight>]>([
    ['well', {}],
    ['wait', { primary: primary('restarting') }],
    ['wait', { primary: primary('silent', 2) }],
    ['lost', { primary: primary('silent', 3) }],
    ['lost', { primary: primary('refused') }],
    ['wait', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'answers', misses: 0, receiving: true }] }],
    ['blind', { primary: primary('silent', 9), standbys: [{ instanceId: 's', sight: 'answers', misses: 0, receiving: true }] }],
    ['blind', { primary: primary('silent', 9), silentDataCenters: new Set(['a', 'b']) }],
    ['lost', { primary: primary('silent', 9), silentDataCenters: new Set(['a']) }],
    ['lost', { primary: primary('refused'), silentDataCenters: new Set(['a', 'b']) }],
    ['wait', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'silent', misses: 1 }] }],
    ['alone', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'refused', misses: 0 }] }],
    // One that is silent may be slow on a busy machine: it is the one that can take over.
    ['wait', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'silent', misses: 3 }] }],
    ['alone', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'silent', misses: 12 }] }],
    // What was not looked at is not gone.
    ['wait', { primary: primary('unknown'), standbys: [{ instanceId: 's', sight: 'answers', misses: 0, receiving: false }] }],
    ['wait', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'unknown', misses: 99 }] }],
    ['wait', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'refused', misses: 0 }, { instanceId: 't', sight: 'unknown', misses: 0 }] }],
    ['lost', { primary: primary('refused'), standbys: [{ instanceId: 's', sight: 'unknown', misses: 0 }, { instanceId: 't', sight: 'answers', misses: 0, receiving: false }] }],
  ])('says %s for %o', (verdict, sight) => {
    expect(judgePrimary({ ...base, ...sight }).verdict).toBe(verdict);
  });

  it('never calls a primary lost while it answers, restarts, or has a follower', () => {
    const sight = fc.constantFrom('answers' as const, 'restarting' as const, 'refused' as const, 'silent' as const, 'unknown' as const);
    const standby = fc.record({ instanceId: fc.constant('s'), sight, misses: fc.nat(9), receiving: fc.constantFrom(true, false, undefined) });
    fc.assert(fc.property(sight, fc.nat(9), fc.array(standby, { maxLength: 3 }), (seen, misses, standbys) => {
      const { verdict } = judgePrimary({ ...base, primary: primary(seen, misses), standbys });
      if (verdict !== 'lost') return;
      expect(['refused', 'silent']).toContain(seen);
      expect(standbys.some(({ receiving }) => receiving === true)).toBe(false);
      expect(standbys.some(({ receiving }) => receiving === false)).toBe(true);
    }));
  });

  it('never gives up everybody while somebody was not looked at', () => {
    const sight = fc.constantFrom('answers' as const, 'restarting' as const, 'refused' as const, 'silent' as const, 'unknown' as const);
    const standby = fc.record({ instanceId: fc.constant('s'), sight, misses: fc.nat(99), receiving: fc.constant(undefined) });
    fc.assert(fc.property(sight, fc.nat(99), fc.array(standby, { maxLength: 3 }), (seen, misses, standbys) => {
      if (judgePrimary({ ...base, primary: primary(seen, misses), standbys }).verdict !== 'alone') return;
      expect([seen, ...standbys.map((one) => one.sight)]).not.toContain('unknown');
      expect(seen).toBe('refused');
    }));
  });
});
