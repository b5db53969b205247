import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { Request } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { ProblemError } from '../problems/problem.js';
import type { Actor } from './actor.js';
import { IS_PUBLIC } from './route.js';

const WINDOW_SECONDS = 10;
/** Wrong keys that one address may try in a minute; a right one is let in all the same. */
const WRONG_KEYS_A_MINUTE = 300;

/** Lets in who has a valid key, and not too often. */
@Injectable()
export class AccessGuard extends AuthGuard('bearer') {
  private readonly requests: RateLimiterMemory;
  private readonly wrongKeys = new RateLimiterMemory({ points: WRONG_KEYS_A_MINUTE, duration: 60 });

  constructor(private readonly reflector: Reflector, @Inject(SETTINGS) settings: Settings) {
    super();
    this.requests = new RateLimiterMemory({ points: settings.FREEHOLD_REQUESTS_PER_SECOND * WINDOW_SECONDS, duration: WINDOW_SECONDS });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<Request>();
    try {
      await super.canActivate(context);
    } catch (error) {
      if (error instanceof ProblemError && error.problem !== 'missing-api-key') await consume(this.wrongKeys, request.ip ?? 'unknown');
      throw error;
    }
    await consume(this.requests, (request.user as Actor).id);
    return true;
  }

  override handleRequest<User>(error: unknown, actor: User | false): User {
    if (error) throw error as Error;
    if (!actor) throw new ProblemError('missing-api-key', 'the request has no API key', { hint: 'send the header "Authorization: Bearer <API key>"' });
    return actor;
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
