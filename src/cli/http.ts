/** Calls an HTTP server, and gives up after the deadline in milliseconds. */
export function callWithDeadline(url: string, deadlineMs: number, init: RequestInit = {}): Promise<Response> {
  const deadline = AbortSignal.timeout(deadlineMs);
  return fetch(url, { ...init, signal: init.signal ? AbortSignal.any([deadline, init.signal]) : deadline });
}
