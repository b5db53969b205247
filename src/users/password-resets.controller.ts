import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Problems, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { PasswordResetRequests } from './password-reset.requests.js';
import { resetRequestSchema, type UseResetBody, useResetSchema } from './user.schemas.js';

@tagged('Sessions', 'How people sign in and out')
@Controller('v1/password-resets')
export class PasswordResetsController {
  constructor(private readonly requests: PasswordResetRequests) {}

  @Post()
  @Takes('password-reset.request')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'requestPasswordReset', summary: 'Ask for a new password',
    description: 'By a mail that is good for an hour, and once. The answer is the same whether or not the address is a user\'s; an '
      + 'address is written to three times an hour at most.',
  })
  @Problems('rate-limited', 'unavailable')
  @ApiResponse({ status: 202, description: 'If the address is a user\'s, they are written to' })
  async request(
    @Req() request: Request, @Body({ schema: resetRequestSchema }) { email }: z.output<typeof resetRequestSchema>,
  ): Promise<void> {
    await this.requests.request({ requestId: request.id, address: request.ip ?? null }, email);
  }

  @Post('use')
  @Takes('password-reset.use')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'usePasswordReset', summary: 'Choose a new password',
    description: 'With the token from the mail. All sessions of the user end; a second factor stays.',
  })
  @Problems('invalid-token', 'weak-password', 'unavailable')
  @ApiResponse({ status: 204, description: 'It is changed' })
  async use(@Req() request: Request, @Body({ schema: useResetSchema }) body: UseResetBody): Promise<void> {
    await this.requests.use({ requestId: request.id, address: request.ip ?? null }, body);
  }
}
