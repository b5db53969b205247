import type { ProblemSlug } from './problem-types.js';

export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

export interface DomainProblemDetails {
  /** What the caller can do about it. */
  readonly hint?: string;
  readonly fields?: readonly FieldFault[];
  /** Members of their own in the problem document. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

/** A refusal by the rules of a feature, which knows no HTTP: the problem's slug says the rest. */
export abstract class DomainError extends Error {
  readonly hint?: string;
  readonly fields?: readonly FieldFault[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;

  constructor(readonly problem: ProblemSlug, message: string, details: DomainProblemDetails = {}) {
    super(message);
    this.name = new.target.name;
    Object.assign(this, details);
  }
}
