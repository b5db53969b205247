import { within } from '../base/signals.js';

/** Calls an HTTP server, and gives up after the deadline in milliseconds. */
export function callWithDeadline(url: string, deadlineMs: number, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: init.signal ? within(init.signal, deadlineMs) : AbortSignal.timeout(deadlineMs) });
}
