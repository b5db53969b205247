import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  readonly deadlineMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks again and again until the answer is something; answers undefined once the deadline is over.
 *
 * @throws what the question throws, and the signal's reason once it is aborted.
 */
export async function waitUntil<T>(ask: () => T | undefined | Promise<T | undefined>, options: WaitOptions): Promise<T | undefined> {
  const end = performance.now() + options.deadlineMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= end) return undefined;
    await delay(options.everyMs ?? 50);
  }
}
