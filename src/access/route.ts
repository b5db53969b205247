import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type {} from 'pino-http';
import type { Actor } from './actor.js';

export const IS_PUBLIC = 'freehold:public';

/** A route that needs no credential. */
export const Public = () => SetMetadata(IS_PUBLIC, true);

/** Who is acting, and in which request. */
export interface Caller {
  readonly actor: Actor;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
}

export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const request = context.switchToHttp().getRequest<Request>();
  return {
    actor: request.user as Actor,
    requestId: String(request.id),
    method: request.method,
    path: request.originalUrl,
    body: request.body as unknown,
    idempotencyKey: request.header('idempotency-key'),
  };
});

/** Documents what a route answers when all is well, and that it answers problems otherwise. */
export function Answers(status: number, component: string, description: string) {
  return applyDecorators(
    ApiResponse({ status, description, content: { 'application/json': { schema: { $ref: `#/components/schemas/${component}` } } } }),
    ApiResponse({ status: 'default', description: 'A problem document', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } }),
  );
}

/** Documents that a route needs an API key. */
export const NeedsKey = () => ApiBearerAuth('apiKey');
