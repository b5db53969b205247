import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, RequestHandler, Response } from 'express';
import passport from 'passport';
import { ProblemError } from '../problems/problem.js';
import type { Action } from '../access/actions.js';
import type { Actor } from '../access/actor.js';
import { BearerStrategy } from '../access/bearer.strategy.js';
import { RequestLimits } from './request-limits.js';
import { ACTION, isPublic } from './route.js';

/** Asked for every few seconds by those who watch Freehold, who have to be answered above all when there is too much to do. */
const UNLIMITED: ReadonlySet<Action> = new Set(['health.read', 'metrics.read']);

/** Lets in each actor with a valid key, and not too often; to what is public also those without one. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector, private readonly strategy: BearerStrategy, private readonly limits: RequestLimits) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const action = this.reflector.get<Action | undefined>(ACTION, context.getHandler());
    if (action === undefined) throw new Error(`the route ${context.getClass().name}.${context.getHandler().name} names no action`);
    const request = context.switchToHttp().getRequest<Request>();
    const address = request.ip ?? 'unknown';
    if (isPublic(action)) {
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
      else if (error instanceof ProblemError && error.problem.endsWith('-api-key')) await this.limits.ofWrongKeys.consume(address);
      throw error;
    }
  }

  /** By the strategy itself and not by its name: names are global, and two applications in a process would share them. */
  private authenticate(request: Request, response: Response): Promise<Actor> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => reject(new ProblemError('missing-api-key', 'the request has no API key', {
        hint: 'send the header "Authorization: Bearer <API key>"',
      }));
      const decide = (error: Error | null, actor: Actor | false | null): void => {
        if (error) reject(error);
        else if (actor) resolve(actor);
        else refuse();
      };
      // Passport keeps what belongs to one request on the strategy that it is given: each request gets a copy.
      const strategy = Object.create(this.strategy) as BearerStrategy;
      (passport.authenticate(strategy, { session: false }, decide) as RequestHandler)(request, response, refuse);
    });
  }
}
