/** What can be wrong with a request, or with the answer to it. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What it means, and what the caller can do. Shown at `/problems/<slug>`. */
  readonly meaning: string;
}

/** What any route may answer. */
const GENERAL = {
  'invalid-request': {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The body or a parameter does not have the form that the endpoint takes. `errors` names each field at fault. '
      + 'Mend them and send the request again.',
  },
  'unknown-field': {
    status: 400,
    title: 'The body has a field that is not known',
    meaning: 'A field of the body is none of the endpoint; it may be misspelt. `errors` names it. Take it out or mend its '
      + 'name.',
  },
  'invalid-header': {
    status: 400,
    title: 'A header is not valid',
    meaning: 'A header does not have the form that the endpoint takes; `errors` names it. An `Idempotency-Key` has 1 to '
      + '255 visible ASCII characters, a `Last-Event-ID` is the id of an event.',
  },
  'invalid-encoding': {
    status: 400,
    title: 'The text cannot be stored',
    meaning: 'The address or the body is not UTF-8, or holds NUL bytes or halves of surrogate pairs. Send well-formed '
      + 'UTF-8 without NUL bytes.',
  },
  'malformed-json': {
    status: 400,
    title: 'The body is not JSON',
    meaning: 'The body could not be read as one JSON object. Check its syntax.',
  },
  'invalid-cursor': {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'A cursor is taken as it is from `nextCursor` of the page before. Begin again without one.',
  },
  'missing-api-key': {
    status: 401,
    title: 'The request has no API key',
    meaning: 'The endpoint needs a credential. Send the header `Authorization: Bearer <API key or session token>`.',
  },
  'invalid-api-key': {
    status: 401,
    title: 'There is no such API key',
    meaning: 'Nobody has this API key. Check that it was copied whole.',
  },
  'revoked-api-key': {
    status: 401,
    title: 'The API key was revoked',
    meaning: 'The API key was revoked and stays so. Ask for a new one.',
  },
  'expired-api-key': {
    status: 401,
    title: 'The API key has expired',
    meaning: 'The API key was valid until a time that has passed. Ask for a new one.',
  },
  'invalid-session': {
    status: 401,
    title: 'The session has ended',
    meaning: 'Nobody is signed in by this session: it has ended by its time, by a sign-out, by a new password, or because the user was '
      + 'disabled. Sign in again.',
  },
  'invalid-credentials': {
    status: 401,
    title: 'That is not how anybody signs in',
    meaning: 'The address, the password, the code or the ticket is not right. Which of them is not told, nor whether the address is '
      + "a user's. A code of a second factor, and a recovery code, works once.",
  },
  'forbidden': {
    status: 403,
    title: 'The credential may not do that',
    meaning: 'The API key is valid, but none of its scopes allows this; or the user has a role that does not. Use a key that has the '
      + 'scope that `detail` names, or ask an owner of the customer.',
  },
  'new-password-required': {
    status: 403,
    title: 'The password has to be changed first',
    meaning: 'The password was made by somebody else, who has seen it. Change it with `POST /v1/me/password`; all else is open then.',
  },
  'second-factor-required': {
    status: 403,
    title: 'A second factor has to be set up first',
    meaning: 'Operators sign in with a second factor. Set one up with `POST /v1/me/second-factor`; all else is open then.',
  },
  'cross-site-request': {
    status: 403,
    title: 'The request does not come from these pages',
    meaning: 'A browser that is signed in by a cookie changes something only from pages of this address, with the header '
      + '`X-CSRF-Token` that the session was given. Programs send `Authorization: Bearer …` instead.',
  },
  'not-found': {
    status: 404,
    title: 'There is no such thing',
    meaning: 'Nothing has this address, or nothing that this credential can see.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The method is not allowed here',
    meaning: 'The address exists but does not take this method. `Allow` lists those that it takes.',
  },
  'operation-in-progress': {
    status: 409,
    title: 'Another operation is in the way',
    meaning: 'One change at a time is made to a database. `operation` names the one that runs; wait for its end and try '
      + 'again.',
  },
  'operation-not-steerable': {
    status: 409,
    title: 'The operation cannot be steered that way',
    meaning: 'An operation can be cancelled before its point of no return, and retried when it failed or waits.',
  },
  'not-possible': {
    status: 409,
    title: 'That is not possible as things are',
    meaning: 'The servers of the database cannot do it, and will not be able to by themselves; `detail` says why, and what '
      + 'to do. Trying again does not help.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    meaning: 'No request of this API needs more than 64 KiB.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The media type is not supported',
    meaning: 'Bodies are `application/json` in UTF-8.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The idempotency key was used for another request',
    meaning: 'The same Idempotency-Key came with another method, address or body within 24 hours. Use a new key for a new '
      + 'request.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    meaning: 'The credential, or the address, made more requests than it may. Wait for as long as `Retry-After` says.',
  },
  'too-many-attempts': {
    status: 429,
    title: 'Too many attempts to sign in',
    meaning: 'Too many attempts failed, for this account or from this address. Wait for as long as `Retry-After` says; until then a '
      + 'right password is refused, too.',
  },
  'operation-failed': {
    status: 500,
    title: 'The operation failed',
    meaning: 'The change was begun and failed; `operation` names the operation that says at which step and why.',
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong',
    meaning: 'The fault is ours. The request id in `instance` finds it in the log.',
  },
  'unavailable': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning: 'A part that the answer needs cannot be reached. Try again after `Retry-After`, with the same '
      + 'Idempotency-Key.',
  },
} as const satisfies Record<string, ProblemType>;

/** The problem types that there are; features add their own where they declare them. */
export interface DeclaredProblems extends Record<keyof typeof GENERAL, ProblemType> {}

/** A slug is part of the contract: programs compare it. */
export type ProblemSlug = keyof DeclaredProblems;

const TYPES = new Map<string, ProblemType>(Object.entries(GENERAL));

/**
 * Declares the problem types of a feature, each exactly once.
 *
 * @throws Error for a slug that is declared already
 */
export function declareProblems<Types extends Readonly<Record<string, ProblemType>>>(types: Types): Types {
  for (const [slug, type] of Object.entries(types)) {
    if (TYPES.has(slug)) throw new Error(`problem type "${slug}" is declared twice`);
    TYPES.set(slug, type);
  }
  return types;
}

/** Undefined for a slug that nobody declared. */
export const findProblemType = (slug: string): ProblemType | undefined => TYPES.get(slug);

/** @throws Error for a type that this process does not know: its feature is not loaded */
export function problemTypeOf(slug: ProblemSlug): ProblemType {
  const type = TYPES.get(slug);
  if (!type) throw new Error(`problem type "${slug}" is not declared in this process`);
  return type;
}

/** All that this process knows, by slug and in its order: which feature was loaded first must not be seen. */
export const listProblemTypes = (): ReadonlyMap<string, ProblemType> => new Map([...TYPES].sort(([a], [b]) => (a < b ? -1 : 1)));
