import { describe, expect, it } from 'vitest';
import { advise, NOTHING_TOLD, type PrimaryAlertMemory, type PrimaryTrouble, settlePrimaryAlert } from '../../../src/health/settle-primary-alert.js';

type Seen = PrimaryTrouble['verdict'] | 'well';

/** What is done second by second while a primary looks like that. */
function follow(seen: readonly Seen[], { paused = false, from = { ...NOTHING_TOLD, told: null } as PrimaryAlertMemory } = {}): string[] {
  let memory = from;
  return seen.flatMap((verdict, second) => {
    const trouble = verdict === 'well' ? undefined : { verdict, reason: 'a test', automationPaused: paused };
    const { memory: next, step } = settlePrimaryAlert(memory, trouble, second * 1_000);
    memory = step.act === 'nothing' ? next : { ...next, told: step.act === 'raise' ? step.told : null };
    return step.act === 'nothing' ? [] : [`${second}: ${step.act}`];
  });
}
const times = (count: number, ...pattern: Seen[]): Seen[] => Array.from({ length: count }).flatMap(() => pattern);

describe('the alert about a primary', () => {
  it('is not raised by a failover, nor by a moment of blindness', () => {
    expect(follow([...times(6, 'lost'), ...times(60, 'well')])).toEqual([]);
    expect(follow([...times(6, 'wait', 'blind'), ...times(60, 'well')])).toEqual([]);
  });

  it('is not raised by a watcher that is blind again and again, for a few seconds each', () => {
    expect(follow(times(120, 'blind', 'blind', 'blind', 'wait', 'well'))).toEqual([]);
  });

  it('is raised once for what lasts, and taken back once it has been well for a while', () => {
    expect(follow([...times(30, 'blind'), ...times(30, 'well')])).toEqual(['20: raise', '40: resolve']);
    expect(follow([...times(25, 'blind'), ...times(20, 'well', 'blind'), ...times(30, 'well')])).toEqual(['20: raise', '75: resolve']);
  });

  it('is raised for one that does not answer for long, whatever the reason', () => {
    expect(follow(times(40, 'wait'))).toEqual(['30: raise']);
  });

  it('is raised soon where nobody acts', () => {
    expect(follow(times(30, 'alone'), { paused: true })).toEqual(['3: raise']);
  });

  it('says anew when it is something else, but not when it is only waited for again', () => {
    expect(follow([...times(25, 'blind'), ...times(5, 'wait'), ...times(5, 'lost')])).toEqual(['20: raise', '30: raise']);
  });

  it('is taken back by a watcher that did not raise it', () => {
    expect(follow(times(30, 'well'), { from: NOTHING_TOLD })).toEqual(['10: resolve']);
  });
});

describe('what it asks of an operator', () => {
  it.each<[string, Partial<PrimaryTrouble>]>([
    ['none', { verdict: 'lost' }], ['required', { verdict: 'lost', automationPaused: true }], ['required', { verdict: 'blind' }], ['none', { verdict: 'alone' }],
    ['required', { verdict: 'wait' }], ['none', { verdict: 'wait', reason: 'the postmaster is restarting its backends' }],
  ])('%s for %o', (action, trouble) => {
    expect(advise({ verdict: 'lost', reason: 'a test', automationPaused: false, ...trouble }).action).toBe(action);
  });
});
