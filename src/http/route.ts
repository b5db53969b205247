import {
  applyDecorators, type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata, UseGuards, UseInterceptors,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiExtension, ApiHeader, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { ProblemError } from '../problems/problem.js';
import type { ProblemSlug } from '../problems/problem-types.js';
import { type Action, WHO_MAY } from '../access/actions.js';
import type { Actor } from '../access/actor.js';
import type { Caller } from '../changes/caller.js';
import { AnswerInterceptor } from './answer.interceptor.js';
import { referTo } from './components.js';
import { requireNoBody } from './validation.js';

declare module 'express-serve-static-core' {
  interface Request {
    /** Ties the request, its operation and every log line of both together. */
    id: string;
  }
}

export const IDEMPOTENCY_KEY = 'Idempotency-Key';
export const ACTION = 'freehold:action';

export const KNOWS_CALLER = 'freehold:knows-caller';

/** Of a public route that tells more to those it knows: a credential that comes with the request is looked at, and must be valid. */
export const KnowsCaller = () => SetMetadata(KNOWS_CALLER, true);

export const isPublic = (action: Action): boolean => WHO_MAY[action] === 'public';

/**
 * Names the action that a route takes, by which it needs a credential or none, and documents both. Where the request
 * decides which of several actions it is, all of them are named, and each is for the same actors.
 */
export function Takes(action: Action, ...others: readonly Action[]) {
  return applyDecorators(
    SetMetadata(ACTION, action),
    ApiExtension('x-action', others.length === 0 ? action : [action, ...others]),
    ...(isPublic(action) ? [] : [ApiBearerAuth('apiKey'), ApiCookieAuth('session')]),
  );
}

/** A change that may be repeated has the caller's key for it; removing a thing twice is the same anyway. */
const KEYED_METHODS = new Set(['POST', 'PUT']);

export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<Request>()));

/** Who calls a public route that tells more to those it knows; undefined for a caller without a credential. */
export const KnownCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller | undefined => {
  const request = context.switchToHttp().getRequest<Request>();
  return request.user ? callerOf(request) : undefined;
});

function callerOf(request: Request): Caller {
  return {
    actor: request.user as Actor,
    requestId: request.id,
    address: request.ip ?? null,
    idempotencyKey: KEYED_METHODS.has(request.method) ? readIdempotencyKey(request) : undefined,
  };
}

/** @throws ProblemError `invalid-header` */
function readIdempotencyKey(request: Request): string | undefined {
  const key = request.header(IDEMPOTENCY_KEY);
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new ProblemError('invalid-header', `the header ${IDEMPOTENCY_KEY} is not valid`, {
    fields: [{ field: IDEMPOTENCY_KEY, message: 'must be 1 to 255 visible ASCII characters' }],
  });
}

/** Refuses a body that says anything: an empty one, or an empty object, does no harm. */
@Injectable()
class NoBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    requireNoBody(context.switchToHttp().getRequest<Request>().body);
    return true;
  }
}

/** For a change that takes no body. */
export const WithoutBody = () => UseGuards(NoBodyGuard);

/** Documents what a route answers when all is well. */
export function Answers(status: number, schema: z.ZodType, description: string, mediaType = 'application/json') {
  return ApiResponse({ status, description, content: { [mediaType]: { schema: referTo(schema) } } });
}

/** Documents the problems that a route answers by its own rules, beside those that any route of its form answers. */
export const Problems = (...slugs: readonly ProblemSlug[]) => ApiExtension('x-problems', slugs);

/** A body that the document shows as an example of the route's use. */
export const Example = (body: Readonly<Record<string, unknown>>) => ApiExtension('x-example-body', body);

/** Of a route whose handler answers with what a change came to. Reads, which are many more, do not pay for it. */
export const Changes = () => UseInterceptors(AnswerInterceptor);

/** The same of a change that may be repeated without harm, and documents how. */
export const Repeatable = () => applyDecorators(Changes(), ApiHeader({
  name: IDEMPOTENCY_KEY, required: false, example: '3c1f8a52-5d0e-4c69-9a55-0f0b0f4f9d3e',
  description: 'Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; '
    + 'the same key with another body is refused.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}));
