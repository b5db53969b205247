import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** For how long it is asked, in milliseconds; the last question is put when the time is over. */
  readonly deadlineMs: number;
  /** The pause between two questions, in milliseconds; it may grow with the time that has been waited. */
  readonly everyMs?: number | ((waitedMs: number) => number);
  readonly signal?: AbortSignal;
}

/**
 * Asks again until the answer is not undefined. Answers undefined once the deadline is over.
 *
 * @throws what the question throws, and the signal's reason once it is aborted.
 */
export async function askUntil<T>(ask: () => T | undefined | Promise<T | undefined>, options: WaitOptions): Promise<T | undefined> {
  const { deadlineMs, everyMs = 50, signal } = options;
  const began = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    const waitedMs = performance.now() - began;
    if (waitedMs >= deadlineMs) return undefined;
    await delay(typeof everyMs === 'number' ? everyMs : everyMs(waitedMs));
  }
}
