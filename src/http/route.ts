import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiHeader, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import type { ProblemSlug } from '../problems/problem-types.js';
import { type Action, WHO_MAY } from '../access/actions.js';
import type { Actor } from '../access/actor.js';
import type { Caller } from '../changes/caller.js';
import { referTo } from './components.js';

declare module 'express-serve-static-core' {
  interface Request {
    /** Ties the request, its operation and every log line of both together. */
    id: string;
  }
}

export const ACTION = 'freehold:action';

export const isPublic = (action: Action): boolean => WHO_MAY[action] === 'public';

/**
 * Names the action that a route takes, by which it needs a credential or none, and documents both. Where the request
 * decides which of several actions it is, all of them are named, and each is for the same actors.
 */
export function Takes(action: Action, ...others: readonly Action[]) {
  return applyDecorators(
    SetMetadata(ACTION, action),
    ApiExtension('x-action', others.length === 0 ? action : [action, ...others]),
    ...(isPublic(action) ? [] : [ApiBearerAuth('apiKey')]),
  );
}

export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const request = context.switchToHttp().getRequest<Request>();
  return {
    actor: request.user as Actor,
    requestId: request.id,
    method: request.method,
    path: request.originalUrl,
    body: request.body as unknown,
    idempotencyKey: request.header('idempotency-key'),
  };
});

/** Documents what a route answers when all is well. */
export function Answers(status: number, schema: z.ZodType, description: string, mediaType = 'application/json') {
  return ApiResponse({ status, description, content: { [mediaType]: { schema: referTo(schema) } } });
}

/** Documents the problems that a route answers by its own rules, beside those that any route of its form answers. */
export const Problems = (...slugs: readonly ProblemSlug[]) => ApiExtension('x-problems', slugs);

export const IDEMPOTENCY_KEY = 'Idempotency-Key';

/** Documents that a request may be repeated without harm. */
export const Repeatable = () => ApiHeader({
  name: IDEMPOTENCY_KEY, required: false, example: '3c1f8a52-5d0e-4c69-9a55-0f0b0f4f9d3e',
  description: 'Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
});
