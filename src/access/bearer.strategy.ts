import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import passport from 'passport';
import { ProblemError } from '../problems/problem.js';
import type { Actor } from './actor.js';
import { ApiKeysService, type Refusal } from './api-keys.service.js';
import { SessionsService } from './sessions/sessions.service.js';

/** No API key begins so. */
const SESSION_TOKEN = 'fh_session_';

type Verify = (key: string, done: (error: unknown, actor?: Actor | null) => void) => void;

/**
 * Takes the credential from the header `Authorization: Bearer …` and from nowhere else: one in an address would be
 * written into logs and histories.
 */
class BearerHeaderStrategy extends passport.Strategy {
  constructor(private readonly verify: Verify) {
    super();
  }

  override authenticate(request: Request): void {
    const [, key] = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    if (key === undefined) {
      this.fail(401);
      return;
    }
    this.verify(key, (error, actor) => {
      if (actor) this.success(actor);
      else this.error(error);
    });
  }
}

const REFUSALS: Readonly<Record<Refusal, { readonly message: string; readonly hint: string }>> = {
  'invalid-api-key': { message: 'there is no such API key', hint: 'check that it was copied whole' },
  'revoked-api-key': { message: 'the API key was revoked', hint: 'ask for a new one' },
  'expired-api-key': { message: 'the API key has expired', hint: 'ask for a new one' },
};

/** Who has the API key of a request, or is signed in by the session whose token it is. */
@Injectable()
export class BearerStrategy extends PassportStrategy(BearerHeaderStrategy, 'bearer') {
  constructor(private readonly keys: ApiKeysService, private readonly sessions: SessionsService) {
    super();
  }

  async validate(key: string): Promise<Actor> {
    if (key.startsWith(SESSION_TOKEN)) {
      const user = await this.sessions.authenticate(key);
      if (user) return user;
      throw new ProblemError('invalid-session', 'nobody is signed in by this session', { hint: 'sign in again' });
    }
    const actor = await this.keys.authenticate(key);
    if (typeof actor !== 'string') return actor;
    const { message, hint } = REFUSALS[actor];
    throw new ProblemError(actor, message, { hint });
  }
}
