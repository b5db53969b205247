/**
 * Aborts the controller, with its reason, when the signal does; lets go once the controller is aborted. Unlike `AbortSignal.any`,
 * by which Node 20 may lose an `AbortSignal.timeout` to the garbage collector.
 */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): void {
  if (signal?.aborted) controller.abort(signal.reason);
  signal?.addEventListener('abort', () => controller.abort(signal.reason), { once: true, signal: controller.signal });
}
