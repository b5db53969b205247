import type { OperationDocument } from '../operations/operation.js';
import { ProblemError } from '../problems/problem.js';

/**
 * Refuses an answer whose promise depends on an operation that did not succeed, or has not ended in time.
 *
 * @throws ProblemError `operation-failed`, `unavailable`
 */
export function requireSuccess(operation: OperationDocument | undefined): void {
  if (operation?.state === 'succeeded') return;
  const extensions = { operation: operation?.id };
  if (operation?.finishedAt) {
    throw new ProblemError('operation-failed', operation.error?.reason ?? `the operation was ${operation.state}`, { extensions });
  }
  throw new ProblemError('unavailable', 'the change is recorded and not done yet', {
    hint: 'send the same request again, with the same Idempotency-Key, to get its answer', extensions,
  });
}
