import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { abortWith, eitherOf, within } from '../../../src/base/signals.js';

const LIMIT_MS = 200;

/** Collects what nothing refers to, as may happen at any time. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What a running job has touched stays until the job ends.
  for (let round = 0; round < 5; round += 1) {
    await nextTurn();
    collect();
  }
}

/** Ends with the signal; fails the test by its time limit if that never fires. */
const endOf = (signal: AbortSignal): Promise<unknown> => new Promise((resolve) => {
  if (signal.aborted) resolve(signal.reason);
  else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
});

describe('within', () => {
  it('ends after its time, also after a garbage collection', async () => {
    const signal = within(new AbortController().signal, LIMIT_MS);
    await collectGarbage();
    expect(await endOf(signal)).toMatchObject({ name: 'TimeoutError' });
  });

  it('ends with the other signal, and with its reason', async () => {
    const [stop, reason] = [new AbortController(), new Error('the worker stops')];
    const signal = within(stop.signal, 60_000);
    stop.abort(reason);
    expect(await endOf(signal)).toBe(reason);
    expect(await endOf(within(stop.signal, 60_000))).toBe(reason);
  });
});

describe('eitherOf', () => {
  it('ends with a time limit that nothing else refers to, also after a garbage collection', async () => {
    const signal = eitherOf(new AbortController().signal, AbortSignal.timeout(LIMIT_MS));
    await collectGarbage();
    expect(await endOf(signal)).toMatchObject({ name: 'TimeoutError' });
  });
});

describe('abortWith', () => {
  it('takes any number of controllers for one signal without a warning of a leak', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    const stop = new AbortController();
    const signals = Array.from({ length: 50 }, () => within(stop.signal, 60_000));
    await nextTurn();
    process.off('warning', note);
    stop.abort();
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('keeps the reason of the first signal', () => {
    const [controller, one, other] = [new AbortController(), new AbortController(), new AbortController()];
    abortWith(controller, one.signal, other.signal);
    other.abort('the second');
    one.abort('too late');
    expect(controller.signal.reason).toBe('the second');
  });
});
