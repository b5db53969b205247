import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import passport from 'passport';
import { publicUrlOf } from '../../config/public-url.js';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { ProblemError } from '../../problems/problem.js';
import type { UserActor } from '../actor.js';
import { matchesCsrfToken } from './csrf-token.js';
import { comesFromOwnPages } from './own-pages.js';
import { readSessionCookie, type SessionCookie, sessionCookieOf } from './session-cookie.js';
import { SessionsService } from './sessions.service.js';

type Verify = (request: Request, token: string, done: (error: unknown, actor?: UserActor | null) => void) => void;

/** Takes the token of a session from its cookie, as browsers send it. */
class SessionCookieStrategy extends passport.Strategy {
  constructor(private readonly cookie: SessionCookie, private readonly verify: Verify) {
    super();
  }

  override authenticate(request: Request): void {
    const token = readSessionCookie(this.cookie, request.headers.cookie);
    if (token === undefined) {
      this.fail(401);
      return;
    }
    this.verify(request, token, (error, actor) => {
      if (actor) this.success(actor);
      else this.error(error);
    });
  }
}

/** What changes nothing, and so may be asked for by a link on any page. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Who is signed in by the cookie of a request. What changes something has to come from a page of ours, with the session's own token. */
@Injectable()
export class CookieStrategy extends PassportStrategy(SessionCookieStrategy, 'cookie') {
  private readonly ownUrl: string;

  constructor(private readonly sessions: SessionsService, @Inject(SETTINGS) settings: Settings) {
    super(sessionCookieOf(publicUrlOf(settings)));
    this.ownUrl = publicUrlOf(settings);
  }

  async validate(request: Request, token: string): Promise<UserActor> {
    if (!SAFE_METHODS.has(request.method) && !this.isMeant(request, token)) {
      throw new ProblemError('cross-site-request', 'the request does not come from a page of this address', {
        hint: 'send the header X-CSRF-Token that the session was given',
      });
    }
    const actor = await this.sessions.authenticate(token);
    if (!actor) throw new ProblemError('invalid-session', 'nobody is signed in by this session', { hint: 'sign in again' });
    return actor;
  }

  private isMeant({ headers }: Request, token: string): boolean {
    const given = headers['x-csrf-token'];
    return comesFromOwnPages(headers, this.ownUrl) && matchesCsrfToken(token, typeof given === 'string' ? given : undefined);
  }
}
