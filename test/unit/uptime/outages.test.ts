import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeenDatabase } from '../../../src/health/sight-feed.js';
import { type InterruptingOperation, judgeOperation } from '../../../src/uptime/judge-operation.js';
import { judgeSight } from '../../../src/uptime/judge-sight.js';
import { type Evidence, isSame, mergeEvidence, mergeTwo } from '../../../src/uptime/merge-outages.js';
import { OUTAGE_CAUSES } from '../../../src/uptime/outage.js';
import { type Observation, OutageTracker } from '../../../src/uptime/outage-tracker.js';

const seenDown = (startMs: number, lastDownMs: number, endMs: number | null, more: Partial<Evidence> = {}): Evidence =>
  ({ startMs, lastDownMs, endMs, cause: 'host', planned: false, sources: ['watch'], operationId: null, reason: 'the primary was dead', ...more });
const byOperation = (startMs: number, endMs: number, more: Partial<Evidence> = {}): Evidence =>
  seenDown(startMs, endMs, endMs, { sources: ['operation'], operationId: 'op_1', reason: 'failover', ...more });

describe('evidence of an outage', () => {
  it('of a failover and of the watch is one outage: it begins when the loss was seen, and ends when the route was open', () => {
    const merged = mergeTwo(seenDown(1_000, 1_300, 1_900), byOperation(1_050, 1_400));
    expect(merged).toEqual(seenDown(1_000, 1_400, 1_400, { sources: ['operation', 'watch'], operationId: 'op_1' }));
  });

  it('lasts until it was seen up after the last moment at which it was certainly down', () => {
    expect(mergeTwo(seenDown(1_000, 1_800, 1_900), byOperation(1_050, 1_400)).endMs).toBe(1_900);
    expect(mergeTwo(seenDown(1_000, 1_800, null), byOperation(1_050, 1_400)).endMs).toBeNull();
    expect(mergeTwo(seenDown(1_000, 1_200, null), byOperation(1_050, 1_400)).endMs).toBe(1_400);
  });

  it('has the cause of what began it', () => {
    const asked = byOperation(2_000, 4_000, { cause: 'operator', reason: 'switchover, asked for by the operator' });
    expect(mergeTwo(seenDown(2_100, 2_500, 2_600), asked)).toMatchObject({ cause: 'operator', reason: asked.reason });
    expect(mergeTwo(seenDown(1_900, 2_500, 2_600), asked)).toMatchObject({ cause: 'host' });
    expect(mergeTwo(seenDown(1_000, 1_500, null), seenDown(1_200, 1_600, null, { cause: 'data-center' })).cause).toBe('data-center');
  });

  it('of an observer that went away says nothing of later: an outage that is found then is another one', () => {
    const abandoned = seenDown(1_000, 5_000, null);
    expect(isSame(abandoned, seenDown(60_000, 60_000, null))).toBe(false);
    expect(isSame(abandoned, seenDown(9_000, 9_000, null))).toBe(true);
  });

  it('joins outages that it bridges', () => {
    const known = [seenDown(1_000, 1_900, 2_000), seenDown(9_000, 9_900, 10_000), seenDown(60_000, 60_000, 60_100)];
    const { merged, absorbed } = mergeEvidence(known, byOperation(1_500, 9_500));
    expect(absorbed).toEqual(known.slice(0, 2));
    expect(merged).toMatchObject({ startMs: 1_000, endMs: 10_000 });
  });

  const evidence = fc.record({ startMs: fc.nat(5_000), down: fc.nat(2_000), up: fc.option(fc.nat(2_000)), cause: fc.constantFrom(...OUTAGE_CAUSES), operation: fc.boolean() })
    .map(({ startMs, down, up, cause, operation }) => seenDown(startMs, startMs + down, up === null ? null : startMs + down + up, { cause, operationId: operation ? 'op_1' : null }));

  it('merges in either order to the same, and with itself to itself', () => {
    fc.assert(fc.property(evidence, evidence, (one, other) => {
      expect(mergeTwo(one, other)).toEqual(mergeTwo(other, one));
      expect(mergeTwo(one, one)).toEqual(one);
    }));
  });

  it('is never shortened by more of it, and ends when somebody saw it up', () => {
    fc.assert(fc.property(evidence, evidence, (one, other) => {
      const { startMs, lastDownMs, endMs } = mergeTwo(one, other);
      expect(startMs).toBe(Math.min(one.startMs, other.startMs));
      expect(lastDownMs).toBe(Math.max(one.lastDownMs, other.lastDownMs));
      if (endMs !== null) {
        expect(endMs).toBeGreaterThanOrEqual(lastDownMs);
        expect([one.endMs, other.endMs]).toContain(endMs);
      }
    }));
  });
});

describe('a tracker', () => {
  const look = (atMs: number, is: Observation['is'], more: Partial<Observation> = {}): Observation => ({ atMs, source: 'watch', is, cause: 'host', reason: 'gone', ...more });
  const track = (...observations: readonly Observation[]): OutageTracker => {
    const tracker = new OutageTracker();
    for (const observation of observations) tracker.take(observation);
    return tracker;
  };
  const spansOf = (tracker: OutageTracker): [number, number | null][] => tracker.pending().outages.map(({ startMs, endMs }) => [startMs, endMs]);

  it('sees an outage from the first miss to the first answer', () => {
    expect(spansOf(track(look(0, 'up'), look(500, 'down'), look(1_000, 'down'), look(1_500, 'up')))).toEqual([[500, 1_500]]);
  });

  it('dates a suspicion that turns out to be right back to its beginning, and forgets one that does not', () => {
    expect(spansOf(track(look(0, 'up'), look(500, 'unclear'), look(1_000, 'unclear'), look(1_500, 'down')))).toEqual([[500, null]]);
    expect(spansOf(track(look(0, 'up'), look(500, 'unclear'), look(1_000, 'up'), look(1_500, 'down')))).toEqual([[1_500, null]]);
    expect(spansOf(track(look(0, 'up'), look(500, 'unclear'), look(900, 'blind'), look(1_500, 'down')))).toEqual([[1_500, null]]);
  });

  it('takes commits that wait for an outage if that lasts', () => {
    expect(spansOf(track(look(0, 'up'), look(500, 'waits'), look(2_000, 'waits'), look(2_500, 'up')))).toEqual([]);
    expect(spansOf(track(look(0, 'up'), look(500, 'waits'), look(2_000, 'waits'), look(3_500, 'waits'), look(4_000, 'up')))).toEqual([[500, 4_000]]);
  });

  it('knows in which times it was observed, and which not', () => {
    const tracker = track(look(0, 'up'), look(9_000, 'up'), look(15_000, 'blind'), look(30_000, 'up'), look(31_000, 'up'));
    expect(tracker.pending().observed).toEqual([{ fromMs: 0, toMs: 9_000 }, { fromMs: 30_000, toMs: 31_000 }]);
  });

  it('takes nothing from a clock that was set back until it has caught up', () => {
    expect(track(look(60_000, 'up'), look(1_000, 'up'), look(60_500, 'up')).pending().observed).toEqual([{ fromMs: 60_000, toMs: 60_500 }]);
  });

  it('keeps what is not recorded, and what goes on', () => {
    const tracker = track(look(0, 'down'), look(1_000, 'up'), look(2_000, 'down'));
    tracker.forget(tracker.pending());
    expect(spansOf(tracker)).toEqual([[2_000, null]]);
    tracker.take(look(2_500, 'up'));
    const before = tracker.pending();
    tracker.take(look(3_000, 'down'));
    tracker.take(look(3_500, 'up'));
    tracker.forget(before);
    expect(spansOf(tracker)).toEqual([[3_000, 3_500]]);
  });

  it('believes a client at the endpoint before the watch', () => {
    const probe = (atMs: number, is: 'up' | 'down'): Observation => look(atMs, is, { source: 'probe', cause: 'platform' });
    const broken = track(look(0, 'up'), probe(500, 'down'), look(1_000, 'up'), probe(1_500, 'down'), look(2_000, 'up'), probe(2_500, 'up'));
    expect(broken.pending().outages).toMatchObject([{ startMs: 500, lastDownMs: 1_500, endMs: 2_500, cause: 'platform' }]);
    const mistaken = track(look(0, 'up'), look(500, 'down'), probe(700, 'up'), look(1_000, 'down'), look(1_500, 'up'), look(2_000, 'down'));
    expect(spansOf(mistaken)).toEqual([[500, 700], [2_000, null]]);
  });
});

describe('what a watch sees', () => {
  const seen = (more: Partial<SeenDatabase>, primary: 'answers' | 'refused' | 'silent' | 'restarting' | 'unknown' = 'answers', streaming: readonly string[] | null = ['b']): SeenDatabase => ({
    databaseId: 'db', atMs: 1, verdict: { verdict: 'well' }, primaryId: 'a', isDataCenterSilent: false,
    sight: { epoch: 1, inSync: ['b'], streaming, instances: { a: { state: 'running', seen: primary }, b: { state: 'running', seen: 'answers' } } }, ...more,
  });
  const unwell = (verdict: 'wait' | 'lost' | 'alone' | 'blind') => ({ verdict: { verdict, reason: 'why' } });

  it.each([
    ['an answer', seen({}), { is: 'up' }],
    ['commits that wait', seen({}, 'answers', []), { is: 'waits' }],
    ['streams that could not be asked for', seen({}, 'answers', null), { is: 'up' }],
    ['a first miss', seen(unwell('wait')), { is: 'unclear' }],
    ['a watcher that is too slow', seen(unwell('wait'), 'unknown'), { is: 'unclear' }],
    ['a dead primary', seen(unwell('lost'), 'refused'), { is: 'down', cause: 'host' }],
    ['a hung primary', seen(unwell('wait'), 'silent'), { is: 'down', cause: 'host' }],
    ['one that recovers from a crash', seen(unwell('wait'), 'restarting'), { is: 'down', cause: 'host' }],
    ['a silent data centre', seen({ ...unwell('lost'), isDataCenterSilent: true }, 'silent'), { is: 'down', cause: 'data-center' }],
    ['a blind watcher', seen({ ...unwell('blind'), isDataCenterSilent: true }, 'silent'), { is: 'blind' }],
  ])('%s', (_, sight, expected) => expect(judgeSight(sight)).toMatchObject(expected));
});

describe('an operation', () => {
  const operation: InterruptingOperation = { id: 'op_1', kind: 'failover', purpose: 'failover', askedBy: 'system', interruptedAtMs: 100, overAtMs: 300, finishedAtMs: 900, isDataCenterLost: false };

  it.each([
    ['a failover by itself', {}, { startMs: 100, endMs: 300, cause: 'host' }],
    ['one after the loss of a data centre', { isDataCenterLost: true }, { cause: 'data-center' }],
    ['a host that is emptied', { kind: 'switchover', purpose: undefined, askedBy: 'operation' }, { cause: 'operator', reason: 'switchover' }],
    ['a host that is declared lost', { askedBy: 'operation' }, { cause: 'host' }],
    ['an operator\'s switchover', { kind: 'switchover', purpose: undefined, askedBy: 'operator' }, { cause: 'operator', planned: false }],
    ['a customer\'s restore, over when it has finished', { kind: 'restore-in-place', purpose: 'restore', askedBy: 'customer', overAtMs: null }, { cause: 'customer', endMs: 900 }],
    ['one that still runs', { overAtMs: null, finishedAtMs: null }, { endMs: null, lastDownMs: 3_000 }],
  ] as const)('%s', (_, more, expected) => expect(judgeOperation({ ...operation, ...more }, 5_000)).toMatchObject(expected));

  it('that has interrupted nothing is no outage', () => {
    expect(judgeOperation({ ...operation, interruptedAtMs: null }, 5_000)).toBeUndefined();
  });
});
