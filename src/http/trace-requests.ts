import type { Request, RequestHandler } from 'express';
import { NO_TRACING, parseTraceParent, type Tracing } from '../telemetry/tracing.js';

/** Makes of each request a part of the trace that its caller is in, or a trace of its own. */
export function traceRequests(tracing: Tracing): RequestHandler {
  if (tracing === NO_TRACING) return (_request, _response, next) => next();
  return (request, response, next) => {
    const given = request.headers.traceparent;
    const parent = typeof given === 'string' && parseTraceParent(given) ? given : undefined;
    const span = tracing.begin({
      name: request.method, kind: 'server', parent,
      attributes: { 'http.request.method': request.method, 'freehold.request.id': request.id },
    });
    response.once('close', () => {
      const { statusCode: status } = response;
      const route = (request.route as { path?: string } | undefined)?.path;
      span.end({
        name: route === undefined ? request.method : `${request.method} ${route}`,
        attributes: {
          'http.route': route, 'http.response.status_code': status,
          'freehold.actor': (request as Request & { user?: { id: string } }).user?.id,
        },
        failure: status >= 500 ? `status ${status}` : undefined,
      });
    });
    span.run(() => next());
  };
}
