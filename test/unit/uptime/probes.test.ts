import { describe, expect, it } from 'vitest';
import { classifyProbe } from '../../../src/engine/local/gateway/classify-probe.js';
import type { EndpointProbe } from '../../../src/engine/ports.js';
import { chooseProbes, OFTEN_MS, type ProbedEndpoint, SELDOM_MS, WRITE_EVERY_MS } from '../../../src/uptime/choose-probes.js';
import { judgeProbe, type Probe } from '../../../src/uptime/judge-probe.js';

describe('what a probe says', () => {
  const probe = (found: EndpointProbe, more: Partial<Probe> = {}): Probe => ({ found, beganAtMs: 1_000, endedAtMs: 1_050, silentSinceMs: null, isPrimaryWell: true, writingStopped: null, ...more });

  it.each<[string, Probe, object]>([
    ['an answer', probe({ state: 'up', tookMs: 9 }), { is: 'up', atMs: 1_050 }],
    ['a refusal before a primary that is well is the platform\'s', probe({ state: 'refused', reason: 'no' }), { is: 'down', cause: 'platform', sinceMs: 1_000 }],
    ['a refusal before one that is not', probe({ state: 'refused', reason: 'no' }, { isPrimaryWell: false }), { is: 'down', cause: 'host' }],
    ['a first silence may be a busy machine\'s', probe({ state: 'silent' }), { is: 'unclear' }],
    ['a second one dates from the first', probe({ state: 'silent' }, { silentSinceMs: 10 }), { is: 'down', sinceMs: 10 }],
    ['exhausted connections are the customer\'s own', probe({ state: 'exhausted' }), { is: 'down', cause: 'customer' }],
    ['so is a full plan', probe({ state: 'read-only' }, { writingStopped: 'plan' }), { is: 'down', cause: 'customer' }],
    ['a full host is not', probe({ state: 'read-only' }, { writingStopped: 'host', isPrimaryWell: false }), { is: 'down', cause: 'host' }],
    ['a server of an earlier version says nothing', probe({ state: 'not-equipped' }), { is: 'blind' }],
  ])('%s', (_, found, expected) => expect(judgeProbe(found)).toMatchObject(expected));

  const sqlError = (code: string, message = 'no'): Error => Object.assign(new Error(message), { code });

  it.each<[string, unknown, boolean, object]>([
    ['a closed port', sqlError('ECONNREFUSED'), false, { state: 'refused' }],
    ['a connection that is cut', new Error('Connection terminated unexpectedly'), false, { state: 'refused', reason: 'Connection terminated unexpectedly' }],
    ['time that is over', new Error('the time was over'), true, { state: 'silent' }],
    ['a role that is not there', sqlError('28P01'), false, { state: 'not-equipped' }],
    ['no connection left', sqlError('53300', 'sorry, too many clients already'), false, { state: 'exhausted' }],
    ['earlier probes that hang', sqlError('53300', 'too many connections for role "freehold_probe"'), false, { state: 'silent' }],
    ['a server that only reads', sqlError('25006'), false, { state: 'read-only' }],
    ['a disk that is full', sqlError('53100', 'could not extend file'), false, { state: 'refused', reason: 'could not extend file' }],
  ])('is told from %s', (_, error, isTimeOver, expected) => expect(classifyProbe(error, isTimeOver)).toEqual(expect.objectContaining(expected)));
});

describe('probes', () => {
  const NOW = 10 * WRITE_EVERY_MS;
  const endpoint = (databaseId: string, agoMs: number, more: Partial<ProbedEndpoint> = {}): ProbedEndpoint =>
    ({ databaseId, probedAtMs: NOW - agoMs, wroteAtMs: NOW - agoMs, isSuspected: false, spread: 0, ...more });

  it('are seldom while all is well, and often and with a write while something is wrong, which goes first', () => {
    const endpoints = [endpoint('rested', SELDOM_MS), endpoint('probed', SELDOM_MS - 1), endpoint('spread', SELDOM_MS, { spread: 1 }), endpoint('wrong', OFTEN_MS, { isSuspected: true }), endpoint('just', OFTEN_MS - 1, { isSuspected: true })];
    expect(chooseProbes(endpoints, NOW)).toEqual([{ databaseId: 'wrong', write: true }, { databaseId: 'rested', write: false }]);
  });

  it('write once in a while also where all is well', () => {
    expect(chooseProbes([endpoint('db', SELDOM_MS, { wroteAtMs: NOW - WRITE_EVERY_MS })], NOW)).toEqual([{ databaseId: 'db', write: true }]);
  });

  it('do not wait for a clock that was set back', () => {
    expect(chooseProbes([endpoint('db', -60_000)], NOW)).toEqual([{ databaseId: 'db', write: true }]);
  });
});
