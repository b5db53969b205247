import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { isKeyLike } from '../access/api-keys.service.js';
import type { Log } from '../telemetry/log.js';
import { checkAddress } from './read-body.js';

const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;
/** Asked for every few seconds by machines; a line for each would say nothing. */
const UNLOGGED = new Set(['/healthz', '/readyz', '/metrics']);

/** Told of every request that was answered, and how long that took. */
export type ObserveRequest = (labels: { method: string; route: string; status: string }, seconds: number) => void;

interface Reception {
  /** Whether it comes by TLS, so that browsers should never come otherwise. */
  readonly isSecure: boolean;
  readonly observe: ObserveRequest;
}

/** Names each request, times it, writes it down, sets the headers of its answer, and refuses a malformed address. */
export function receiveRequests(log: Log, { isSecure, observe }: Reception): RequestHandler {
  return (request, response, next) => {
    const began = performance.now();
    request.id = requestIdOf(request.headers['x-request-id']);
    response.once('close', () => {
      const seconds = (performance.now() - began) / 1000;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'unknown';
      observe({ method: request.method, route, status: String(response.statusCode) }, seconds);
      if (!UNLOGGED.has(request.path)) logRequest(log, request, response, seconds);
    });
    response.setHeader('X-Request-Id', request.id);
    if (isSecure) response.setHeader('Strict-Transport-Security', 'max-age=31536000');
    // fetch() adds this to every conditional request by itself; taken at its word, no condition would ever hold.
    if (request.headers['if-none-match'] !== undefined) delete request.headers['cache-control'];
    if (!request.url.startsWith('/v1/')) {
      pageHeaders(request, response, () => checkAddress(request, response, next));
      return;
    }
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // What is read may be kept and asked for again with its ETag; what a change answers may hold a password.
    response.setHeader('Cache-Control', request.method === 'GET' ? 'private, no-cache' : 'no-store');
    checkAddress(request, response, next);
  };
}

/** Swagger UI sets styles inline; it sends no word of TLS, which may be up to what stands before the API. */
const pageHeaders = helmet({
  contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null, 'style-src': ["'self'", "'unsafe-inline'"] } },
  strictTransportSecurity: false,
});

/** A credential that was sent in the wrong header is not taken for a name: names are written down. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) && !isKeyLike(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
}

/** One line a request, with the ids that tie it to its operation; headers and bodies, which hold secrets, are left out. */
function logRequest(log: Log, request: Request, response: Response, seconds: number): void {
  const level = levelOf(request.method, response.statusCode);
  if (!log.isLevelEnabled(level)) return;
  log[level]({
    requestId: request.id, actor: (request as Request & { user?: { id: string } }).user?.id,
    method: request.method, path: request.originalUrl.split('?')[0], status: response.statusCode, seconds,
  }, response.writableFinished ? 'request answered' : 'request ended without its whole answer');
}

/** A read that went well is counted by the metrics; a line for each would be most of the log, and a tenth of the work. */
function levelOf(method: string, status: number): 'debug' | 'info' | 'error' {
  if (status >= 500) return 'error';
  return method === 'GET' && status < 400 ? 'debug' : 'info';
}
