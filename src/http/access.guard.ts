import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, RequestHandler, Response } from 'express';
import passport from 'passport';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { ProblemError } from '../problems/problem.js';
import type { Action } from '../access/actions.js';
import type { Actor } from '../access/actor.js';
import { BearerStrategy } from '../access/bearer.strategy.js';
import { ACTION, isPublic } from './route.js';

const WINDOW_SECONDS = 10;
/** Wrong keys that one address may try in a minute; a right one is let in all the same. */
const WRONG_KEYS_A_MINUTE = 300;

/** Lets in each actor with a valid key, and not too often; to what is public also those without one. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly requests: RateLimiterMemory;
  private readonly wrongKeys = new RateLimiterMemory({ points: WRONG_KEYS_A_MINUTE, duration: 60 });

  constructor(private readonly reflector: Reflector, private readonly strategy: BearerStrategy, @Inject(SETTINGS) settings: Settings) {
    this.requests = new RateLimiterMemory({ points: settings.FREEHOLD_REQUESTS_PER_SECOND * WINDOW_SECONDS, duration: WINDOW_SECONDS });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const action = this.reflector.get<Action | undefined>(ACTION, context.getHandler());
    if (action === undefined) throw new Error(`the route ${context.getClass().name}.${context.getHandler().name} names no action`);
    if (isPublic(action)) return true;
    const request = context.switchToHttp().getRequest<Request>();
    try {
      const actor = await this.authenticate(request, context.switchToHttp().getResponse<Response>());
      request.user = actor;
      await consume(this.requests, actor.id);
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.endsWith('-api-key') && error.problem !== 'missing-api-key') {
        await consume(this.wrongKeys, request.ip ?? 'unknown');
      }
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

async function consume(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw new ProblemError('rate-limited', 'too many requests', { retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)) });
  }
}
