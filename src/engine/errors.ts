/**
 * What a caller may do about a failed verb:
 *
 * - `transient`: nothing was changed, or what was changed is harmless; the same call may be tried again.
 * - `permanent`: trying again cannot help; a person or another step has to change something first.
 * - `outcome-unknown`: the effect may or may not have happened; observe before trying again.
 * - `superseded`: a higher token was seen; the caller is not the one in charge any more and must
 *   drop everything it remembers (`protocol.md`, rules 1 and 2).
 */
export type EngineErrorKind = 'transient' | 'permanent' | 'outcome-unknown' | 'superseded';

/**
 * The only error that a port may throw.
 *
 * The message says what happened, in lower case and without a full stop; the hint says what to do about it.
 * Neither ever holds a secret.
 */
export class EngineError extends Error {
  constructor(
    readonly kind: EngineErrorKind,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'EngineError';
  }
}
