import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Log } from '../config/log.js';
import { DomainError } from './domain-problem.js';
import { ProblemError } from './problem.js';
import { PROBLEM_TYPES, type ProblemSlug } from './problem-types.js';

/** How soon a caller may try again when nothing better is known, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** Answers whatever was thrown with a problem document (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly publicUrl: string, private readonly log: Log, private readonly translate: (error: unknown) => DomainError | undefined) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    const problem = error instanceof DomainError ? error : this.translate(error) ?? ofHttp(error, request);
    if (!problem) this.log.error({ err: error, requestId: request.id }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.answer(response, request, problem ?? new ProblemError('internal-error', 'the request could not be answered'));
  }

  private answer(response: Response, request: Request, problem: DomainError): void {
    const { status, title } = PROBLEM_TYPES[problem.problem];
    const retryAfter = problem.retryAfterSeconds ?? (status === 503 || status === 429 ? RETRY_AFTER_SECONDS : undefined);
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="freehold"');
    if (problem instanceof ProblemError) for (const [name, value] of Object.entries(problem.headers ?? {})) response.setHeader(name, value);
    response.status(status).type('application/problem+json').send(JSON.stringify({
      type: `${this.publicUrl}/problems/${problem.problem}`,
      title,
      status,
      detail: problem.hint ? `${problem.message}: ${problem.hint}` : problem.message,
      instance: `urn:request:${String(request.id)}`,
      ...(problem.fields && { errors: problem.fields }),
      ...problem.extensions,
    }));
  }
}

const BY_STATUS: Readonly<Record<number, ProblemSlug>> = {
  401: 'unauthorized', 403: 'forbidden', 404: 'not-found', 405: 'method-not-allowed', 413: 'body-too-large', 415: 'unsupported-media-type', 503: 'unavailable',
};

/** What the framework and its body parser throw. */
function ofHttp(error: unknown, request: Request): DomainError | undefined {
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === undefined || status >= 500) return undefined;
  if (status === 404) return new ProblemError('not-found', `nothing has the address ${request.method} ${request.path}`);
  if (status === 413) return new ProblemError('body-too-large', 'the body is larger than 64 KiB');
  const slug = BY_STATUS[status];
  if (slug) return new ProblemError(slug, error instanceof Error ? error.message : slug);
  const unreadable = error instanceof Error && 'type' in error && String(error.type).startsWith('entity.');
  return unreadable
    ? new ProblemError('malformed-json', 'the body is not JSON in UTF-8')
    : new ProblemError('invalid-request', error instanceof Error ? error.message.toLowerCase() : 'the request is not valid');
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}
