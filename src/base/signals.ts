import { setMaxListeners } from 'node:events';

/**
 * Aborts the controller, with their reason, when one of the signals does. The signals let go of the controller once it is
 * aborted: abort it when the work is over if a signal outlives the work.
 */
export function abortWith(controller: AbortController, ...signals: readonly AbortSignal[]): void {
  for (const signal of signals) {
    // As many as there are pieces of work under it; each is let go, so that the warning of a leak would be false.
    setMaxListeners(0, signal);
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true, signal: controller.signal });
  }
}

/**
 * A signal that ends with the first of two. Use it instead of `AbortSignal.any`: Node 20 may collect an `AbortSignal.timeout`
 * that only `AbortSignal.any` refers to, and then it never fires; a listener keeps it.
 */
export function eitherOf(one: AbortSignal, other: AbortSignal): AbortSignal {
  const controller = new AbortController();
  abortWith(controller, one, other);
  return controller.signal;
}

/** A signal that ends with another one, or after the limit in milliseconds with a `TimeoutError`. */
export function within(signal: AbortSignal, limitMs: number): AbortSignal {
  const controller = new AbortController();
  abortWith(controller, signal);
  if (controller.signal.aborted) return controller.signal;
  const timer = setTimeout(() => controller.abort(new DOMException('the time is over', 'TimeoutError')), limitMs).unref();
  controller.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  return controller.signal;
}
