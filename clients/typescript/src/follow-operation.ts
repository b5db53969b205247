import type { components } from './api-types.js';
import { abortWith } from './abort-with.js';
import { ProblemError } from './problem-error.js';
import { pause } from './pause.js';
import { readEvents } from './read-events.js';
import type { Transport } from './transport.js';

/** A long-running change. */
export type Operation = components['schemas']['Operation'];

/** An operation that ended otherwise than by succeeding. */
export class OperationFailedError extends Error {
  constructor(readonly operation: Operation) {
    const { kind, state, error } = operation;
    super(
      error
        ? `${kind} ${state} at "${error.step}": ${error.reason}${error.hint === undefined ? '' : ` (${error.hint})`}`
        : `${kind} was ${state}`,
    );
    this.name = 'OperationFailedError';
  }
}

export interface FollowOptions {
  /** Called with the whole operation at every change, each once and in order. */
  readonly onChange?: (operation: Operation) => void;
  readonly signal?: AbortSignal;
}

/** Before a stream that broke is opened again, in milliseconds. */
const AGAIN_AFTER_MS = 500;
/** A stream that says nothing for so long, not even that it is still there, is dead; in milliseconds. */
const SILENCE_MS = 40_000;
/** Streams in a row that bring nothing before the API counts as unreachable. */
const MOST_FAILURES = 60;

export const hasEnded = ({ state }: Operation): boolean => state !== 'pending' && state !== 'running';

/**
 * Follows an operation by its events until it has ended, and resumes after the last event when the connection breaks.
 *
 * @throws ProblemError if the API refuses, UnreachableError if it stays away
 */
export async function followOperation(transport: Transport, id: string, { onChange, signal }: FollowOptions): Promise<Operation> {
  const path = `/v1/operations/${encodeURIComponent(id)}`;
  let lastEventId: string | undefined;
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const event of watchEvents(transport, `${path}/events`, lastEventId, signal)) {
        lastEventId = event.id;
        failures = 0;
        if (event.event === 'step') onChange?.(JSON.parse(event.data) as Operation);
      }
      const operation = (await transport.json({ method: 'GET', path, signal })) as Operation;
      if (hasEnded(operation)) return operation;
    } catch (error) {
      signal?.throwIfAborted();
      const isFinal = error instanceof ProblemError && error.status < 500 && error.status !== 429;
      if (isFinal || failures >= MOST_FAILURES) throw error;
    }
    await pause(AGAIN_AFTER_MS, signal);
  }
}

async function* watchEvents(transport: Transport, path: string, lastEventId: string | undefined, signal: AbortSignal | undefined) {
  const silence = new AbortController();
  abortWith(silence, signal);
  const fallSilent = (): void => silence.abort(new Error(`no sign of life for ${SILENCE_MS} ms`));
  let timer = setTimeout(fallSilent, SILENCE_MS);
  try {
    const stream = await transport.open({
      method: 'GET', path, headers: { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
      signal: silence.signal,
    });
    const alive = stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        clearTimeout(timer);
        timer = setTimeout(fallSilent, SILENCE_MS);
        controller.enqueue(chunk);
      },
    }));
    for await (const event of readEvents(alive)) {
      if (event.event === 'end') return;
      yield event;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
