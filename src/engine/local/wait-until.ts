import { setTimeout as delay } from 'node:timers/promises';

import { EngineError } from '../errors.js';

/** What is waited for comes within tens of milliseconds, so a coarser poll would be most of the wait. */
const POLL_MS = 4;

/**
 * Asks again until the answer is not undefined.
 *
 * @throws EngineError `transient` once the signal ends the wait.
 */
export async function waitUntil<T>(what: string, signal: AbortSignal, ask: () => Promise<T | undefined> | T | undefined, pollMs = POLL_MS): Promise<T> {
  for (;;) {
    if (signal.aborted) throw timeIsOver(what, signal);
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(pollMs);
  }
}

export function timeIsOver(what: string, signal: AbortSignal): EngineError {
  return new EngineError('transient', `the time was over while waiting for ${what}`, 'try again with more time', { cause: signal.reason });
}
