/** Calls an HTTP server, and gives up after the deadline in milliseconds. */
export function callWithDeadline(url: string, deadlineMs: number, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: within(deadlineMs, init.signal ?? undefined) });
}

/**
 * A signal that ends after so long, or with another one. Node 20 may collect an `AbortSignal.timeout` that only
 * `AbortSignal.any` refers to, and then it never fires; a timer is held until it does.
 */
export function within(limitMs: number, signal?: AbortSignal): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException('the time is over', 'TimeoutError')), limitMs).unref();
  return signal ? AbortSignal.any([controller.signal, signal]) : controller.signal;
}
