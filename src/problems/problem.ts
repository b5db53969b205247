import { DomainError, type DomainProblemDetails } from './domain-problem.js';
import type { ProblemSlug } from './problem-types.js';

/** A refusal by the interface itself: its form, its credential, its limits. */
export class ProblemError extends DomainError {
  constructor(
    problem: ProblemSlug,
    detail: string,
    more: DomainProblemDetails & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(problem, detail, more);
    this.headers = more.headers;
  }

  readonly headers?: Readonly<Record<string, string>>;
}

export const notFound = (): ProblemError => new ProblemError('not-found', 'nothing has this address, or nothing that you can see');
