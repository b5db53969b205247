import { setTimeout as delay } from 'node:timers/promises';

import { ProblemError, type ApiClient } from '../api-client.js';
import type { Operation } from '../api-types.js';
import { readEvents } from './read-events.js';

const AGAIN_AFTER_MS = 500;
/** An API that cannot be reached is being restarted; one that stays away is reported. */
const UNREACHABLE_LIMIT = 60;

/**
 * Follows an operation until it has ended, through its events as long as they flow and by asking where they do not.
 *
 * @param onChange called with the operation each time something about it may be new
 * @throws CliError if the API refuses, or cannot be reached for half a minute
 */
export async function followOperation(api: ApiClient, id: string, onChange: (operation: Operation) => void, signal: AbortSignal): Promise<Operation> {
  const path = `/v1/operations/${encodeURIComponent(id)}`;
  for (let failures = 0; ; ) {
    try {
      await followEvents(api, `${path}/events`, onChange, signal);
      const operation = await api.call<Operation>('GET', path, { signal });
      failures = 0;
      onChange(operation);
      if (hasEnded(operation)) return operation;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProblemError && error.status < 500 && error.status !== 429) throw error;
      failures += 1;
      if (failures >= UNREACHABLE_LIMIT) throw error;
    }
    await delay(AGAIN_AFTER_MS, undefined, { signal });
  }
}

export function hasEnded(operation: Operation): boolean {
  return operation.state !== 'pending' && operation.state !== 'running';
}

/** Passes events on until they end, whichever way. */
async function followEvents(api: ApiClient, path: string, onChange: (operation: Operation) => void, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  try {
    const stream = await api.stream(path, AbortSignal.any([signal, stop.signal]));
    for await (const { event, data } of readEvents(stream)) {
      if (event === 'end') return;
      const operation = parseOperation(data);
      if (operation) onChange(operation);
    }
  } catch {
    // The operation itself is asked for next; that tells whether something is wrong.
    signal.throwIfAborted();
  } finally {
    stop.abort();
  }
}

function parseOperation(data: string): Operation | undefined {
  try {
    const value = JSON.parse(data) as Partial<Operation>;
    return typeof value.id === 'string' && Array.isArray(value.steps) ? (value as Operation) : undefined;
  } catch {
    return undefined;
  }
}
