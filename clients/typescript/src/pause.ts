import { setTimeout as delay } from 'node:timers/promises';

/** Waits for so many milliseconds; throws the signal's own reason when it is aborted meanwhile. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch {
    signal?.throwIfAborted();
  }
}
