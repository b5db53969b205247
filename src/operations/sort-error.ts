import type { ErrorSort } from './decide-transition.js';

/**
 * Sorts what a step threw by the `kind` that errors of the ports carry; the kernel does not know the ports.
 *
 * An unknown outcome is tried again, because steps check before they act. What carries no kind is a fault that nobody
 * foresaw: it is tried again too, as often as the step allows.
 */
export function sortError(error: unknown): ErrorSort {
  const kind = error instanceof Error && 'kind' in error ? error.kind : undefined;
  if (kind === 'permanent') return 'permanent';
  if (kind === 'superseded') return 'superseded';
  return 'retry';
}
