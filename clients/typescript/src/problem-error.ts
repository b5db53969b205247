import type { components } from './api-types.js';

/** A problem document (RFC 9457). */
export type Problem = components['schemas']['Problem'];

/** An answer that is a problem. Its `slug` is what programs compare. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** Seconds after which the same call may succeed; undefined if it may not. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(problem.detail);
    this.name = 'ProblemError';
  }

  /** Such as `name-taken`: the last part of the problem's `type`. */
  get slug(): string {
    return this.problem.type.slice(this.problem.type.lastIndexOf('/') + 1);
  }
}

/** The API did not answer, however often it was tried. */
export class UnreachableError extends Error {
  constructor(url: string, options: ErrorOptions) {
    const cause = options.cause instanceof Error && options.cause.cause instanceof Error ? options.cause.cause : options.cause;
    super(`${url} cannot be reached: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`, options);
    this.name = 'UnreachableError';
  }
}

/** Makes an error of an answer that is not a success. */
export async function toProblemError(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ProblemError(response.status, parseProblem(text, response.status), Number.isFinite(retryAfter) ? retryAfter : undefined);
}

/** What stands between the client and the API, such as a proxy, may answer with something else. */
function parseProblem(text: string, status: number): Problem {
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null;
    if (typeof problem?.type === 'string' && typeof problem.detail === 'string') return problem as Problem;
  } catch {
    // Not JSON: shown as it is.
  }
  return {
    type: 'about:blank',
    title: `the answer has the status ${status}`,
    status,
    detail: text.slice(0, 200) || `status ${status}`,
    instance: '',
  };
}
