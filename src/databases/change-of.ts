import type { Asker } from '../changes/caller.js';
import type { OperationRequest } from '../operations/operations.service.js';

/** The request for an operation that changes a database, or what belongs to it. */
export function changeOf(
  kind: string, { id, customerId }: { readonly id: string; readonly customerId: string }, input: object, asker: Asker,
): OperationRequest {
  const { id: requestedBy, requestId } = asker;
  return { kind, subjectId: id, ownerId: customerId, input: { databaseId: id, ...input }, requestedBy, requestId };
}
