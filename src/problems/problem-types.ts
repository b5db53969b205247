/** What can be wrong with a request, or with the answer to it. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What it means, and what the caller can do. Shown at `/problems/<slug>`. */
  readonly meaning: string;
}

/** Every problem type, once. A slug is part of the contract: programs compare it. */
export const PROBLEM_TYPES = {
  'invalid-request': { status: 400, title: 'The request is not valid', meaning: 'The body or a parameter does not have the form that the endpoint takes. `errors` names each field at fault. Mend them and send the request again.' },
  'unknown-field': { status: 400, title: 'The body has a field that is not known', meaning: 'A field of the body is none of the endpoint; it may be misspelt. `errors` names it. Take it out or mend its name.' },
  'invalid-name': { status: 400, title: 'The name is not valid', meaning: 'The name of a database has 1 to 40 lower-case letters, digits and hyphens and begins with a letter. Choose another name.' },
  'invalid-email': { status: 400, title: 'The e-mail address is not valid', meaning: 'The text does not have the form of an e-mail address, such as `ada@example.com`. Mend it and send the request again.' },
  'invalid-header': { status: 400, title: 'A header is not valid', meaning: 'A header does not have the form that the endpoint takes; `errors` names it. An `Idempotency-Key` has 1 to 255 visible ASCII characters, a `Last-Event-ID` is the id of an event.' },
  'invalid-encoding': { status: 400, title: 'The text cannot be stored', meaning: 'The address or the body is not UTF-8, or holds NUL bytes or halves of surrogate pairs. Send well-formed UTF-8 without NUL bytes.' },
  'malformed-json': { status: 400, title: 'The body is not JSON', meaning: 'The body could not be read as one JSON object. Check its syntax.' },
  'invalid-cursor': { status: 400, title: 'The cursor is not valid', meaning: 'A cursor is taken as it is from `nextCursor` of the page before. Begin again without one.' },
  'missing-api-key': { status: 401, title: 'The request has no API key', meaning: 'The endpoint needs a credential. Send the header `Authorization: Bearer <API key>`.' },
  'invalid-api-key': { status: 401, title: 'There is no such API key', meaning: 'Nobody has this API key. Check that it was copied whole.' },
  'revoked-api-key': { status: 401, title: 'The API key was revoked', meaning: 'The API key was revoked and stays so. Ask for a new one.' },
  'expired-api-key': { status: 401, title: 'The API key has expired', meaning: 'The API key was valid until a time that has passed. Ask for a new one.' },
  'forbidden': { status: 403, title: 'The credential may not do that', meaning: 'The API key is valid, but none of its scopes allows this. Use a key that has the scope that `detail` names.' },
  'not-found': { status: 404, title: 'There is no such thing', meaning: 'Nothing has this address, or nothing that this credential can see.' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here', meaning: 'The address exists but does not take this method. `Allow` lists those that it takes.' },
  'customer-not-found': { status: 404, title: 'There is no such customer', meaning: 'The customer does not exist, or this credential cannot see it. Sign the customer up first.' },
  'name-taken': { status: 409, title: 'The name is taken', meaning: 'The customer has a database of that name that is not deleted. Choose another name.' },
  'role-taken': { status: 409, title: 'There is a role of that name', meaning: 'The database has a role of that name, which may be its owner. Choose another name, or ask for a new password of that role.' },
  'too-many-roles': { status: 409, title: 'The database has as many roles as it may have', meaning: 'A database has 20 roles beside its owner at most. Delete one that is not needed.' },
  'quota-exceeded': { status: 409, title: 'The quota is used up', meaning: 'The customer has as many databases as it may have. Delete one, or ask for a higher quota.' },
  'operation-in-progress': { status: 409, title: 'Another operation is in the way', meaning: 'One change at a time is made to a database. `operation` names the one that runs; wait for its end and try again.' },
  'operation-not-steerable': { status: 409, title: 'The operation cannot be steered that way', meaning: 'An operation can be cancelled before its point of no return, and retried when it failed or waits.' },
  'database-not-available': { status: 409, title: 'The database is not available', meaning: 'The database is in a state in which this cannot be done; `state` names it.' },
  'not-possible': { status: 409, title: 'That is not possible as things are', meaning: 'The servers of the database cannot do it, and will not be able to by themselves; `detail` says why, and what to do. Trying again does not help.' },
  'data-loss-not-accepted': { status: 409, title: 'The failover could lose data', meaning: 'No standby is recorded in sync. `bytesAtRisk` says how much may be lost; send `acceptDataLoss: true` to go on all the same.' },
  'region-closed': { status: 409, title: 'The region takes no new databases', meaning: 'The region is closed for new databases at present. Choose another one.' },
  'backup-not-stored': { status: 409, title: 'The backup is not stored', meaning: 'The backup has no copy from which it could be restored. Choose another one whose copies are `stored`.' },
  'database-not-deleted': { status: 409, title: 'The database is not deleted', meaning: 'Only a deleted database can be brought back. Restore this one in place, or into a new database.' },
  'restore-out-of-range': { status: 422, title: 'There is nothing to restore from that time', meaning: 'The time is in the future, or before the oldest backup that is kept, and `range` says from when to when a restore is possible; or a restore in place has undone what was written then.' },
  'body-too-large': { status: 413, title: 'The body is too large', meaning: 'No request of this API needs more than 64 KiB.' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported', meaning: 'Bodies are `application/json` in UTF-8.' },
  'unknown-region': { status: 422, title: 'There is no such region', meaning: 'The region does not exist; `errors` lists those that do.' },
  'unknown-plan': { status: 422, title: 'There is no such plan', meaning: 'The plan does not exist; `errors` lists those that do.' },
  'locale-not-available': { status: 422, title: 'The locale is not available', meaning: 'The servers do not have this locale, or not from this provider; `errors` says what they have. Choose another one, or leave `locale` and `provider` out.' },
  'extension-refused': { status: 422, title: 'The extension is refused', meaning: 'The extension is not offered in databases here, or cannot be taken away; `detail` says why. The list of extensions shows which are offered.' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key was used for another request', meaning: 'The same Idempotency-Key came with another method, address or body within 24 hours. Use a new key for a new request.' },
  'rate-limited': { status: 429, title: 'Too many requests', meaning: 'The credential, or the address, made more requests than it may. Wait for as long as `Retry-After` says.' },
  'too-many-dumps': { status: 429, title: 'Too many dumps at once', meaning: 'Two dumps of a database are made at once at most. Wait for the end of one.' },
  'operation-failed': { status: 500, title: 'The operation failed', meaning: 'The change was begun and failed; `operation` names the operation that says at which step and why.' },
  'internal-error': { status: 500, title: 'Something went wrong', meaning: 'The fault is ours. The request id in `instance` finds it in the log.' },
  'no-room': { status: 503, title: 'The region has no room', meaning: 'No hosts of the region have room for this plan. Nothing was made. Try again after `Retry-After`.' },
  'unavailable': { status: 503, title: 'Temporarily unavailable', meaning: 'A part that the answer needs cannot be reached. Try again after `Retry-After`, with the same Idempotency-Key.' },
} as const satisfies Record<string, ProblemType>;

export type ProblemSlug = keyof typeof PROBLEM_TYPES;
