/** Calls an HTTP server, and gives up after the deadline in milliseconds. */
export function callWithDeadline(url: string, deadlineMs: number, init: RequestInit = {}): Promise<Response> {
  const deadline = AbortSignal.timeout(deadlineMs);
  return fetch(url, { ...init, signal: init.signal ? AbortSignal.any([deadline, init.signal]) : deadline });
}

/** Opens a stream that may go on without limit; only the answer's head has a deadline. */
export async function openStream(url: string, headWithinMs: number, init: RequestInit = {}): Promise<Response> {
  const head = new AbortController();
  const timer = setTimeout(() => head.abort(new Error(`no answer from ${url} within ${headWithinMs} ms`)), headWithinMs);
  try {
    return await fetch(url, { ...init, signal: init.signal ? AbortSignal.any([head.signal, init.signal]) : head.signal });
  } finally {
    clearTimeout(timer);
  }
}
