import { setTimeout as delay } from 'node:timers/promises';

import { EngineError } from '../errors.js';

/** What is waited for comes within tens of milliseconds, so a coarser poll would be most of the wait. */
const POLL_MS = 4;
/** What takes longer is asked for less often: many who wait at once would otherwise take the time that they wait for. */
const SHARE_OF_WAIT = 0.1;
const MOST_POLL_MS = 50;

/**
 * Asks again until the answer is not undefined; the longer it takes, the more seldom.
 *
 * @throws EngineError `transient` once the signal ends the wait.
 */
export async function waitUntil<T>(what: string, signal: AbortSignal, ask: () => Promise<T | undefined> | T | undefined, pollMs = POLL_MS): Promise<T> {
  const began = performance.now();
  for (;;) {
    if (signal.aborted) throw timeIsOver(what, signal);
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(Math.max(pollMs, Math.min(MOST_POLL_MS, (performance.now() - began) * SHARE_OF_WAIT)));
  }
}

export function timeIsOver(what: string, signal: AbortSignal): EngineError {
  return new EngineError('transient', `the time was over while waiting for ${what}`, 'try again with more time', { cause: signal.reason });
}

/**
 * A signal that ends with another one, or after that time. Node 20 may collect an `AbortSignal.timeout` that only
 * `AbortSignal.any` refers to, and then it never fires; a timer is held until it does.
 */
export function within(signal: AbortSignal, limitMs: number): AbortSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort(signal.aborted ? signal.reason : new DOMException('the time is over', 'TimeoutError'));
  const timer = setTimeout(end, limitMs).unref();
  signal.addEventListener('abort', end, { once: true, signal: controller.signal });
  controller.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  if (signal.aborted) end();
  return controller.signal;
}
