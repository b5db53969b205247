import { AFTER_ROUTE } from '../derive-state.js';

/**
 * Whether an operation at that step only brings redundancy back: the endpoint leads to the recorded primary, and each of
 * these steps begins by reading what is recorded. It may be ended at any of them by an operation that is more urgent,
 * and what it leaves undone is asked for again.
 */
export function isReprotecting(kind: string, step: string): boolean {
  return kind === 'reprotect' || ((kind === 'failover' || kind === 'switchover') && AFTER_ROUTE.has(step));
}
