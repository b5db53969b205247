import type { Purpose } from '../operations/traits.js';
import type { Evidence } from './merge-outages.js';
import type { OutageCause } from './outage.js';

/** Who asked for an operation: an operator, the customer, the control plane by itself, or an operation that empties hosts. */
export type AskedBy = 'operator' | 'customer' | 'system' | 'operation';

/** An operation that interrupts its database, as its steps recorded it. */
export interface InterruptingOperation {
  readonly id: string;
  readonly kind: string;
  readonly purpose: Purpose | undefined;
  readonly askedBy: AskedBy;
  /** When it cut the clients off, if they were not before; null if it has not. */
  readonly interruptedAtMs: number | null;
  /** When the endpoint led to a primary again; null if it does not yet. */
  readonly overAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** Whether every host of the primary's data centre was recorded as lost. */
  readonly isDataCenterLost: boolean;
}

/** An operation that looked as if it still interrupted may have ended as long ago: its step is seen when its transaction has ended. */
const SEEN_LATE_MS = 2_000;

/** The outage that an operation was at the heart of, by its own clock; undefined if it has interrupted nothing. */
export function judgeOperation(operation: InterruptingOperation, nowMs: number): Evidence | undefined {
  const { id, kind, interruptedAtMs, overAtMs, finishedAtMs } = operation;
  if (interruptedAtMs === null) return undefined;
  const endMs = overAtMs ?? finishedAtMs;
  const cause = causeOf(operation);
  return {
    startMs: interruptedAtMs, lastDownMs: Math.max(interruptedAtMs, endMs ?? nowMs - SEEN_LATE_MS),
    endMs: endMs && Math.max(interruptedAtMs, endMs), cause, planned: false, sources: ['operation'], operationId: id,
    reason: operation.askedBy === cause ? `${kind}, asked for by the ${cause}` : kind,
  };
}

/** What the control plane does by itself answers a loss; what somebody asked for is theirs, unless a loss was seen before it. */
function causeOf({ purpose, askedBy, isDataCenterLost }: InterruptingOperation): OutageCause {
  if (askedBy === 'operator' || askedBy === 'customer') return askedBy;
  if (purpose === 'failover' || purpose === 'restore') return isDataCenterLost ? 'data-center' : 'host';
  return askedBy === 'operation' ? 'operator' : 'platform';
}
