import { AFTER_ROUTE, BEFORE_PAUSE } from '../derive-state.js';

/**
 * Whether an operation at that step only brings redundancy back: the endpoint leads to the recorded primary, and each of
 * these steps begins by reading what is recorded. It may be ended at any of them by an operation that is more urgent,
 * and what it leaves undone is asked for again.
 */
export function isReprotecting(kind: string, step: string): boolean {
  return kind === 'reprotect' || ((kind === 'failover' || kind === 'switchover') && AFTER_ROUTE.has(step));
}

/**
 * Whether an operation at that step is a switchover that has paused nobody yet. It has done nothing, and may wait for hours
 * until it is quiet: whatever else the database needs, or its customer asks for, ends it.
 */
export function isBeforePause(kind: string, step: string): boolean {
  return kind === 'switchover' && BEFORE_PAUSE.has(step);
}

/** Whether an operation at that step may be ended by whatever brings a database back. */
export const givesWay = (kind: string, step: string): boolean => isReprotecting(kind, step) || isBeforePause(kind, step);
