import { askUntil } from '../base/ask-until.js';
import { EngineError } from './errors.js';

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
export async function waitUntil<T>(
  what: string, signal: AbortSignal, ask: () => Promise<T | undefined> | T | undefined, pollMs = POLL_MS,
): Promise<T> {
  const everyMs = (waitedMs: number): number => Math.max(pollMs, Math.min(MOST_POLL_MS, waitedMs * SHARE_OF_WAIT));
  const answer = await askUntil(() => {
    if (signal.aborted) throw timeIsOver(what, signal);
    return ask();
  }, { deadlineMs: Infinity, everyMs });
  if (answer === undefined) throw new Error('a wait without a deadline came to an end');
  return answer;
}

export function timeIsOver(what: string, signal: AbortSignal): EngineError {
  return new EngineError('transient', `the time was over while waiting for ${what}`, 'try again with more time', { cause: signal.reason });
}
