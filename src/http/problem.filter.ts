import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Log } from '../telemetry/log.js';
import { DomainError } from '../problems/domain-problem.js';
import { ProblemError } from '../problems/problem.js';
import { problemTypeOf } from '../problems/problem-types.js';

/** How soon a caller may try again when nothing better is known, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** Answers every error with a problem document (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly publicUrl: string,
    private readonly log: Log,
    private readonly translate: (error: unknown) => DomainError | undefined,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    const problem = error instanceof DomainError ? error : this.translate(error) ?? ofFramework(error, request);
    if (!problem) this.log.error({ err: error, requestId: request.id }, 'request failed');
    if (response.headersSent) {
      // Its client sees only that the connection was cut.
      if (problem) this.log.warn({ requestId: request.id, problem: problem.problem }, `an answer was cut off: ${problem.message}`);
      response.destroy();
      return;
    }
    this.answer(response, request, problem ?? new ProblemError('internal-error', 'the request could not be answered'));
  }

  private answer(response: Response, request: Request, problem: DomainError): void {
    const { status, title } = problemTypeOf(problem.problem);
    const retryAfter = problem.retryAfterSeconds ?? (status === 503 || status === 429 ? RETRY_AFTER_SECONDS : undefined);
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
    if (status === 401) response.setHeader('WWW-Authenticate', challengeOf(problem));
    if (problem instanceof ProblemError) for (const [name, value] of Object.entries(problem.headers ?? {})) response.setHeader(name, value);
    response.status(status).type('application/problem+json').send(JSON.stringify({
      type: `${this.publicUrl}/problems/${problem.problem}`,
      title,
      status,
      detail: problem.hint ? `${problem.message}: ${problem.hint}` : problem.message,
      instance: `urn:request:${request.id}`,
      ...(problem.fields && { errors: problem.fields }),
      ...problem.extensions,
    }));
  }
}

/** RFC 6750: a client that sent no token is told the scheme alone. */
function challengeOf({ problem, message }: DomainError): string {
  return problem === 'missing-api-key' || problem === 'invalid-credentials'
    ? 'Bearer realm="freehold"'
    : `Bearer realm="freehold", error="invalid_token", error_description="${message}"`;
}

/** What the framework throws before a route is reached: the address, or the method on it, is not one of the API. */
function ofFramework(error: unknown, request: Request): DomainError | undefined {
  if (!(error instanceof HttpException) || error.getStatus() >= 500) return undefined;
  if (error.getStatus() !== 404) return new ProblemError('invalid-request', error.message.toLowerCase());
  const allowed = methodsOf(request);
  if (allowed.length === 0) return new ProblemError('not-found', `nothing has the address ${request.path}`);
  return new ProblemError(
    'method-not-allowed', `${request.path} does not take ${request.method}`, { headers: { Allow: allowed.join(', ') } },
  );
}

interface RouterLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** The methods that some route takes at the request's address. */
function methodsOf(request: Request): string[] {
  const { stack } = request.app.router as unknown as { readonly stack: readonly RouterLayer[] };
  const methods = stack.flatMap((layer) => (layer.route && layer.match(request.path) ? Object.keys(layer.route.methods) : []));
  const named = new Set(methods.filter((method) => method !== '_all').map((method) => method.toUpperCase()));
  if (named.has('GET')) named.add('HEAD');
  return [...named].sort();
}
