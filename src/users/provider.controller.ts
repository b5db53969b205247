import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { readSessionCookie, type SessionCookie, sessionCookieOf } from '../access/sessions/session-cookie.js';
import { CredentialsRefused } from '../access/sign-in/sign-ins.service.js';
import { Provider } from '../access/sign-in/provider.js';
import { publicUrlOf } from '../config/public-url.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { Problems, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { SessionRequests } from './session.requests.js';
import { strangerOf } from './sessions.controller.js';

@tagged('Sessions', 'How people sign in and out')
@Controller('v1/sessions/provider')
export class ProviderController {
  private readonly publicUrl: string;
  private readonly cookie: SessionCookie;
  /** Ties the one who comes back to the one who was sent. */
  private readonly errand: SessionCookie;

  constructor(private readonly requests: SessionRequests, private readonly provider: Provider, @Inject(SETTINGS) settings: Settings) {
    this.publicUrl = publicUrlOf(settings);
    this.cookie = sessionCookieOf(this.publicUrl);
    this.errand = { ...this.cookie, name: this.cookie.name.replace('_session', '_errand') };
  }

  @Get()
  @Takes('session.ask-provider')
  @ApiOperation({
    operationId: 'askProvider', summary: 'Sign in at a provider',
    description: 'For operators, by OpenID Connect, in a browser. Where there is no provider there is nothing here.',
  })
  @Problems('not-found', 'unavailable')
  @ApiResponse({ status: 302, description: 'To the provider' })
  async depart(@Req() request: Request, @Res() response: Response): Promise<void> {
    const { url, token, expiresAt } = await this.provider.depart(request);
    response.cookie(this.errand.name, token, { ...this.attributes(), expires: expiresAt });
    response.setHeader('Cache-Control', 'no-store');
    response.redirect(302, url);
  }

  @Get('callback')
  @Takes('session.create-by-provider')
  @ApiOperation({
    operationId: 'createSessionByProvider', summary: 'Come back from a provider',
    description: 'With the session\'s cookie. Who has the claim that makes an operator becomes one at the first sign-in.',
  })
  @Problems('not-found', 'invalid-credentials', 'unavailable')
  @ApiResponse({ status: 303, description: 'To the console' })
  async arrive(@Req() request: Request, @Res() response: Response): Promise<void> {
    const proved = await this.provider.arrive(request, readSessionCookie(this.errand, request.headers.cookie));
    response.clearCookie(this.errand.name, this.attributes());
    const signedIn = await this.requests.beginByProvider(strangerOf(request), proved);
    if (signedIn.state !== 'signed-in') throw new CredentialsRefused(undefined);
    const { token, expiresAt } = signedIn.session;
    response.cookie(this.cookie.name, token, { ...this.attributes(), expires: expiresAt });
    response.setHeader('Cache-Control', 'no-store');
    response.redirect(303, `${this.publicUrl}/console`);
  }

  private attributes() {
    return { httpOnly: true, sameSite: 'lax', secure: this.cookie.secure, path: '/' } as const;
  }
}
