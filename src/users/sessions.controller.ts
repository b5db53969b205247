import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { authenticateBy } from '../access/authenticate-by.js';
import { csrfTokenOf } from '../access/sessions/csrf-token.js';
import { comesFromOwnPages } from '../access/sessions/own-pages.js';
import { type SessionCookie, sessionCookieOf } from '../access/sessions/session-cookie.js';
import { PasswordStrategy } from '../access/sign-in/password.strategy.js';
import type { Credentials } from '../access/users/credentials.service.js';
import type { Caller } from '../changes/caller.js';
import { publicUrlOf } from '../config/public-url.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { idParameter } from '../http/id-parameter.js';
import { Answers, CurrentCaller, Example, Problems, Takes, WithoutBody } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { ProblemError } from '../problems/problem.js';
import { proofOf } from './proof-of.js';
import { type OwnSession, SessionRequests, type SignedIn, type Stranger } from './session.requests.js';
import {
  type SecondStepBody, secondStepSchema, type SessionDocument, sessionListSchema, type SignInAnswer, signInAnswerSchema, type SignInBody,
  signInSchema,
} from './session.schemas.js';
import { describeUser } from './user.schemas.js';

@tagged('Sessions', 'How people sign in and out')
@Controller('v1/sessions')
export class SessionsController {
  private readonly cookie: SessionCookie;
  private readonly ownUrl: string;

  constructor(
    private readonly requests: SessionRequests, private readonly strategy: PasswordStrategy, @Inject(SETTINGS) settings: Settings,
  ) {
    this.ownUrl = publicUrlOf(settings);
    this.cookie = sessionCookieOf(this.ownUrl);
  }

  @Post()
  @Takes('session.create')
  @HttpCode(201)
  @Example({ email: 'ada@example.com', password: 'seven green kettles hum' })
  @ApiOperation({
    operationId: 'createSession', summary: 'Sign in',
    description: 'With an address and a password. Who has a second factor is answered with a ticket for the second step. It is the same '
      + 'answer, after the same work, whether or not the address is a user\'s.',
  })
  @Problems('invalid-credentials', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @Answers(201, signInAnswerSchema, 'A session, or a ticket')
  async create(
    @Req() request: Request, @Res({ passthrough: true }) response: Response, @Body({ schema: signInSchema }) body: SignInBody,
  ): Promise<SignInAnswer> {
    this.requireOwnPages(request, body.cookie);
    const check = async (): Promise<Credentials> => {
      const found = await authenticateBy<Credentials>(this.strategy, request, response);
      if (!found) throw new Error('the strategy for passwords did not look at the body');
      return found;
    };
    return this.answer(response, body.cookie, await this.requests.begin(strangerOf(request), check));
  }

  @Post('second-factor')
  @Takes('session.confirm')
  @HttpCode(201)
  @ApiOperation({
    operationId: 'confirmSession', summary: 'Sign in, second step',
    description: 'With the ticket of the first step, and a code of the second factor or a recovery code. Each works once.',
  })
  @Problems('invalid-credentials', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @Answers(201, signInAnswerSchema, 'A session')
  async confirm(
    @Req() request: Request, @Res({ passthrough: true }) response: Response, @Body({ schema: secondStepSchema }) body: SecondStepBody,
  ): Promise<SignInAnswer> {
    this.requireOwnPages(request, body.cookie);
    return this.answer(response, body.cookie, await this.requests.confirm(strangerOf(request), body.ticket, proofOf(body)));
  }

  @Get()
  @Takes('session.list')
  @ApiOperation({ operationId: 'listSessions', summary: 'List your sessions', description: 'The one that was used last first.' })
  @Problems('forbidden', 'unavailable')
  @Answers(200, sessionListSchema, 'All of them')
  async list(@CurrentCaller() caller: Caller): Promise<{ data: SessionDocument[]; nextCursor: null }> {
    return { data: (await this.requests.list(caller)).map(describeSession), nextCursor: null };
  }

  @Delete('current')
  @Takes('session.end')
  @HttpCode(204)
  @WithoutBody()
  @ApiOperation({ operationId: 'endCurrentSession', summary: 'Sign out', description: 'Ends the session that asks.' })
  @Problems('forbidden', 'cross-site-request', 'unavailable')
  @ApiResponse({ status: 204, description: 'It has ended' })
  async endCurrent(@CurrentCaller() caller: Caller, @Res({ passthrough: true }) response: Response): Promise<void> {
    await this.requests.end(caller);
    this.clearCookie(response);
  }

  @Delete(':id')
  @Takes('session.end')
  @HttpCode(204)
  @WithoutBody()
  @ApiOperation({ operationId: 'endSession', summary: 'End one of your sessions', description: 'Such as that of a machine that was lost.' })
  @Problems('forbidden', 'cross-site-request', 'unavailable')
  @ApiResponse({ status: 204, description: 'It has ended' })
  async end(@CurrentCaller() caller: Caller, @Param('id', idParameter('session')) id: string): Promise<void> {
    await this.requests.end(caller, id);
  }

  @Delete()
  @Takes('session.end-all')
  @HttpCode(204)
  @WithoutBody()
  @ApiOperation({
    operationId: 'endAllSessions', summary: 'Sign out everywhere', description: 'Ends all of your sessions, that which asks among them.',
  })
  @Problems('forbidden', 'cross-site-request', 'unavailable')
  @ApiResponse({ status: 204, description: 'They have ended' })
  async endAll(@CurrentCaller() caller: Caller, @Res({ passthrough: true }) response: Response): Promise<void> {
    await this.requests.endAll(caller);
    this.clearCookie(response);
  }

  /** A page of somebody else's must not sign a browser in as who it likes. */
  private requireOwnPages({ headers }: Request, cookie: boolean): void {
    if (!cookie || comesFromOwnPages(headers, this.ownUrl)) return;
    throw new ProblemError('cross-site-request', 'the request does not come from a page of this address', {
      hint: 'sign in from a page of this address, or without a cookie',
    });
  }

  private answer(response: Response, cookie: boolean, signedIn: SignedIn): SignInAnswer {
    if (signedIn.state === 'second-factor-required') {
      const { state, ticket, expiresAt } = signedIn;
      return { state, ticket, expiresAt: expiresAt.toISOString(), token: null, csrfToken: null, owes: null };
    }
    const { state, session: { token, expiresAt }, user, actor } = signedIn;
    if (cookie) {
      response.cookie(this.cookie.name, token, {
        httpOnly: true, sameSite: 'lax', secure: this.cookie.secure, path: '/', expires: expiresAt,
      });
    }
    return {
      state, ticket: null, expiresAt: expiresAt.toISOString(), token: cookie ? null : token, csrfToken: cookie ? csrfTokenOf(token) : null,
      user: describeUser(user), owes: actor.owes,
    };
  }

  private clearCookie(response: Response): void {
    response.clearCookie(this.cookie.name, { httpOnly: true, sameSite: 'lax', secure: this.cookie.secure, path: '/' });
  }
}

export function strangerOf(request: Request): Stranger {
  return { requestId: request.id, address: request.ip ?? null, agent: request.get('user-agent') ?? null };
}

function describeSession({ createdAt, lastUsedAt, expiresAt, ...session }: OwnSession): SessionDocument {
  const [created, used, expires] = [createdAt, lastUsedAt, expiresAt].map((at) => new Date(at).toISOString()) as [string, string, string];
  return { ...session, createdAt: created, lastUsedAt: used, expiresAt: expires };
}
