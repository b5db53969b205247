import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { ProblemError } from '../problems/problem.js';
import type { ProblemSlug } from '../problems/problem-types.js';
import type { Action } from '../access/actions.js';
import type { Actor } from '../access/actor.js';
import { authenticateBy } from '../access/authenticate-by.js';
import { BearerStrategy } from '../access/bearer.strategy.js';
import { CookieStrategy } from '../access/sessions/cookie.strategy.js';
import { RequestLimits } from './request-limits.js';
import { ACTION, isPublic, KNOWS_CALLER } from './route.js';

/** Asked for every few seconds by those who watch Freehold, who have to be answered above all when there is too much to do. */
const UNLIMITED: ReadonlySet<Action> = new Set(['health.read', 'metrics.read']);
const WRONG_KEY: ReadonlySet<ProblemSlug> = new Set(['invalid-api-key', 'revoked-api-key', 'expired-api-key', 'invalid-session']);

/** Lets in each actor with a valid key or session, and not too often; to what is public also those without one. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector, private readonly bearer: BearerStrategy, private readonly cookie: CookieStrategy,
    private readonly limits: RequestLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const action = this.reflector.get<Action | undefined>(ACTION, context.getHandler());
    if (action === undefined) throw new Error(`the route ${context.getClass().name}.${context.getHandler().name} names no action`);
    const request = context.switchToHttp().getRequest<Request>();
    const address = request.ip ?? 'unknown';
    const looksAtCaller = this.reflector.get<boolean | undefined>(KNOWS_CALLER, context.getHandler()) === true;
    if (isPublic(action) && !(looksAtCaller && request.headers.authorization !== undefined)) {
      if (!UNLIMITED.has(action)) await this.limits.ofAddresses.consume(address);
      return true;
    }
    try {
      const actor = await this.authenticate(request, context.switchToHttp().getResponse<Response>());
      request.user = actor;
      await this.limits.ofKeys.consume(actor.id);
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.problem === 'missing-api-key') await this.limits.ofAddresses.consume(address);
      else if (error instanceof ProblemError && WRONG_KEY.has(error.problem)) await this.limits.ofWrongKeys.consume(address);
      throw error;
    }
  }

  /** A header counts before a cookie: a page that sends one says by whom it acts. */
  private async authenticate(request: Request, response: Response): Promise<Actor> {
    const strategy = request.headers.authorization === undefined ? this.cookie : this.bearer;
    const actor = await authenticateBy<Actor>(strategy, request, response);
    if (actor) return actor;
    throw new ProblemError('missing-api-key', 'the request has no API key', {
      hint: 'send the header "Authorization: Bearer <API key or session token>"',
    });
  }
}
