import { setMaxListeners } from 'node:events';

/**
 * Aborts the controller, with its reason, when the signal does; lets go once the controller is aborted. Unlike `AbortSignal.any`,
 * by which Node 20 may lose an `AbortSignal.timeout` to the garbage collector.
 */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): void {
  if (!signal) return;
  // As many as there are calls under it; each is let go, so that the warning of a leak would be false.
  setMaxListeners(0, signal);
  if (signal.aborted) controller.abort(signal.reason);
  signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true, signal: controller.signal });
}
