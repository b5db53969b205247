import { Body, Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import { csrfTokenOf } from '../access/sessions/csrf-token.js';
import { readSessionCookie, type SessionCookie, sessionCookieOf } from '../access/sessions/session-cookie.js';
import type { Caller } from '../changes/caller.js';
import { publicUrlOf } from '../config/public-url.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { AccountRequests } from './account.requests.js';
import { requireUser } from './account-subject.js';
import { proofOf } from './proof-of.js';
import {
  type AccountDocument, accountSchema, type ChangePasswordBody, changePasswordSchema, type ConfirmFactorBody, confirmFactorSchema,
  newFactorSchema, type OwnPasswordBody, ownPasswordSchema, recoveryCodesSchema, type RemoveFactorBody, removeFactorSchema,
} from './session.schemas.js';
import { describeUser } from './user.schemas.js';

@tagged('Account', 'Who you are, and how you prove it')
@Controller('v1/me')
export class AccountController {
  private readonly cookie: SessionCookie;

  constructor(private readonly requests: AccountRequests, @Inject(SETTINGS) settings: Settings) {
    this.cookie = sessionCookieOf(publicUrlOf(settings));
  }

  @Get()
  @Takes('account.read')
  @ApiOperation({ operationId: 'getAccount', summary: 'Who is signed in', description: 'For users; a program has no account.' })
  @Problems('forbidden', 'unavailable')
  @Answers(200, accountSchema, 'You')
  async get(@CurrentCaller() caller: Caller, @Req() request: Request): Promise<AccountDocument> {
    const { user, credentials, recoveryCodesLeft } = await this.requests.read(caller);
    const { session, owes } = requireUser(caller);
    const token = request.headers.authorization === undefined ? readSessionCookie(this.cookie, request.headers.cookie) : undefined;
    return {
      user: describeUser(user), sessionId: session.id, csrfToken: token === undefined ? null : csrfTokenOf(token), owes,
      hasSecondFactor: credentials.hasSecondFactor, recoveryCodesLeft,
    };
  }

  @Post('password')
  @Takes('account.change-password')
  @HttpCode(204)
  @Repeatable()
  @ApiOperation({
    operationId: 'changePassword', summary: 'Change your password', description: 'All other sessions of yours end.',
  })
  @Problems('forbidden', 'wrong-password', 'weak-password', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @ApiResponse({ status: 204, description: 'It is changed' })
  changePassword(@CurrentCaller() caller: Caller, @Body({ schema: changePasswordSchema }) body: ChangePasswordBody) {
    return this.requests.changePassword(caller, body);
  }

  @Post('second-factor')
  @Takes('account.set-up-second-factor')
  @HttpCode(201)
  @Repeatable()
  @ApiOperation({
    operationId: 'setUpSecondFactor', summary: 'Set up a second factor',
    description: 'One-time codes of an authenticator app (TOTP, RFC 6238). It counts once a code was confirmed; until then it may be '
      + 'drawn again.',
  })
  @Problems('forbidden', 'wrong-password', 'second-factor-exists', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @Answers(201, newFactorSchema, 'The key, for the app')
  setUp(@CurrentCaller() caller: Caller, @Body({ schema: ownPasswordSchema }) body: OwnPasswordBody) {
    return this.requests.setUpSecondFactor(caller, body);
  }

  @Post('second-factor/confirm')
  @Takes('account.confirm-second-factor')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({
    operationId: 'confirmSecondFactor', summary: 'Confirm a second factor',
    description: 'With a code that the app shows. Sign-ins ask for one from then on. The recovery codes are shown in this answer and never '
      + 'again.',
  })
  @Problems('forbidden', 'no-second-factor', 'cross-site-request')
  @Answers(200, recoveryCodesSchema, 'Codes for when the app is lost')
  confirm(@CurrentCaller() caller: Caller, @Body({ schema: confirmFactorSchema }) body: ConfirmFactorBody) {
    return this.requests.confirmSecondFactor(caller, body);
  }

  @Post('second-factor/remove')
  @Takes('account.remove-second-factor')
  @HttpCode(204)
  @Repeatable()
  @ApiOperation({
    operationId: 'removeSecondFactor', summary: 'Remove your second factor',
    description: 'With the password, and a code or a recovery code. An operator who needs one can then do nothing but set another one up.',
  })
  @Problems('forbidden', 'wrong-password', 'no-second-factor', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @ApiResponse({ status: 204, description: 'It is removed' })
  remove(@CurrentCaller() caller: Caller, @Body({ schema: removeFactorSchema }) body: RemoveFactorBody) {
    return this.requests.removeSecondFactor(caller, body.password, proofOf(body));
  }

  @Post('second-factor/recovery-codes')
  @Takes('account.renew-recovery-codes')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({
    operationId: 'renewRecoveryCodes', summary: 'Draw new recovery codes',
    description: 'Those before end. Shown in this answer and never again.',
  })
  @Problems('forbidden', 'wrong-password', 'no-second-factor', 'too-many-attempts', 'cross-site-request', 'unavailable')
  @Answers(200, recoveryCodesSchema, 'The codes')
  renew(@CurrentCaller() caller: Caller, @Body({ schema: ownPasswordSchema }) body: OwnPasswordBody) {
    return this.requests.renewRecoveryCodes(caller, body);
  }
}
