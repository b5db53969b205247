import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { pageOf } from '../http/paging.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { describeInvitation, InvitationRequests } from './invitation.requests.js';
import {
  type AcceptBody, acceptSchema, invitationFilterSchema, invitationListSchema, invitationSchema, type NewInvitationBody,
  newInvitationSchema, newOperatorInvitationSchema, type UserDocument, userSchema,
} from './user.schemas.js';

@tagged('Users', 'People who sign in')
@Controller('v1')
export class InvitationsController {
  constructor(private readonly requests: InvitationRequests) {}

  @Post('customers/:customerId/invitations')
  @Takes('invitation.create')
  @Repeatable()
  @Example({ email: 'ada@example.com', role: 'owner' })
  @ApiOperation({
    operationId: 'inviteUser', summary: 'Invite somebody to a customer',
    description: 'By a mail that is good for seven days, and once; it takes the place of an open one to the same address. A signup flow '
      + 'invites to the customers that it signed up.',
  })
  @Problems('forbidden', 'user-exists', 'too-many-invitations', 'cross-site-request')
  @Answers(201, invitationSchema, 'The invitation')
  create(
    @CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string,
    @Body({ schema: newInvitationSchema }) body: NewInvitationBody,
  ) {
    return this.requests.create(caller, customerId, body);
  }

  @Post('operators/invitations')
  @Takes('operator.invite')
  @Repeatable()
  @Example({ email: 'grace@example.com' })
  @ApiOperation({
    operationId: 'inviteOperator', summary: 'Invite an operator', description: 'By a mail, as users of customers are. For operators.',
  })
  @Problems('forbidden', 'user-exists', 'too-many-invitations', 'cross-site-request')
  @Answers(201, invitationSchema, 'The invitation')
  createForOperator(
    @CurrentCaller() caller: Caller, @Body({ schema: newOperatorInvitationSchema }) body: z.output<typeof newOperatorInvitationSchema>,
  ) {
    return this.requests.createForOperator(caller, body);
  }

  @Get('invitations')
  @Takes('invitation.list')
  @ApiOperation({
    operationId: 'listInvitations', summary: 'List invitations, newest first', description: 'Those of the customers that you can see.',
  })
  @Answers(200, invitationListSchema, 'A page of invitations')
  list(@CurrentCaller() caller: Caller, @Query({ schema: invitationFilterSchema }) filter: z.output<typeof invitationFilterSchema>) {
    const { customerId } = filter;
    return pageOf(filter, (limit, before) => this.requests.list(caller, { limit, before, customerId }), describeInvitation);
  }

  @Delete('invitations/:id')
  @Takes('invitation.revoke')
  @Changes()
  @HttpCode(204)
  @ApiOperation({ operationId: 'revokeInvitation', summary: 'Take an invitation back', description: 'It cannot be accepted from then on.' })
  @Problems('forbidden', 'cross-site-request')
  @ApiResponse({ status: 204, description: 'It is revoked' })
  revoke(@CurrentCaller() caller: Caller, @Param('id', idParameter('invitation')) id: string) {
    return this.requests.revoke(caller, id);
  }

  @Post('invitations/accept')
  @Takes('invitation.accept')
  @HttpCode(201)
  @ApiOperation({
    operationId: 'acceptInvitation', summary: 'Accept an invitation',
    description: 'With the token from the mail, and a password of one\'s own. Sign in with both the address and that password afterwards.',
  })
  @Problems('invalid-token', 'weak-password', 'unavailable')
  @Answers(201, userSchema, 'The user')
  accept(@Req() request: Request, @Body({ schema: acceptSchema }) body: AcceptBody): Promise<UserDocument> {
    return this.requests.accept({ requestId: request.id, address: request.ip ?? null }, body);
  }
}
