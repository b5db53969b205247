import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { pageOf } from '../http/paging.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes, WithoutBody } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { UserRequests } from './user.requests.js';
import {
  describeUser, type NewUserBody, newUserSchema, type ResetUserBody, resetUserSchema, roleSchema, type UserDocument, userFilterSchema,
  userListSchema, userPasswordSchema, userSchema,
} from './user.schemas.js';

@tagged('Users', 'People who sign in')
@Controller('v1/users')
export class UsersController {
  constructor(private readonly requests: UserRequests) {}

  @Get()
  @Takes('user.list')
  @ApiOperation({ operationId: 'listUsers', summary: 'List users, newest first', description: 'Those of the customers that you can see.' })
  @Answers(200, userListSchema, 'A page of users')
  list(@CurrentCaller() caller: Caller, @Query({ schema: userFilterSchema }) filter: z.output<typeof userFilterSchema>) {
    const { customerId, role } = filter;
    return pageOf(filter, (limit, before) => this.requests.list(caller, { limit, before, customerId, role }), describeUser);
  }

  @Post()
  @Takes('user.create')
  @Repeatable()
  @Example({ email: 'grace@example.com', role: 'operator' })
  @ApiOperation({
    operationId: 'createUser', summary: 'Make a user',
    description: 'With a password that is shown once and has to be changed at the first sign-in; drawn if it is left out. For operators. '
      + 'Everybody else invites, so that nobody but the user ever knows the password.',
  })
  @Problems('forbidden', 'user-exists', 'weak-password')
  @Answers(201, userPasswordSchema, 'The user, and their first password')
  create(@CurrentCaller() caller: Caller, @Body({ schema: newUserSchema }) body: NewUserBody) {
    return this.requests.create(caller, body);
  }

  @Get(':id')
  @Takes('user.read')
  @ApiOperation({ operationId: 'getUser', summary: 'Read a user', description: 'One of a customer that you can see.' })
  @Answers(200, userSchema, 'The user')
  get(@CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string): Promise<UserDocument> {
    return this.requests.read(caller, id);
  }

  @Put(':id/role')
  @Takes('user.set-role')
  @Repeatable()
  @ApiOperation({
    operationId: 'setUserRole', summary: 'Give a user another role', description: 'Owners may do all for their customer, members read.',
  })
  @Problems('forbidden', 'last-owner', 'cross-site-request')
  @Answers(200, userSchema, 'The user')
  setRole(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string,
    @Body({ schema: roleSchema }) { role }: z.output<typeof roleSchema>,
  ) {
    return this.requests.setRole(caller, id, role);
  }

  @Post(':id/disable')
  @Takes('user.disable')
  @HttpCode(200)
  @Repeatable()
  @WithoutBody()
  @ApiOperation({ operationId: 'disableUser', summary: 'Keep a user out', description: 'Their sessions end, and they cannot sign in.' })
  @Problems('forbidden', 'last-owner', 'cross-site-request')
  @Answers(200, userSchema, 'The user')
  disable(@CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string) {
    return this.requests.disable(caller, id);
  }

  @Post(':id/enable')
  @Takes('user.enable')
  @HttpCode(200)
  @Repeatable()
  @WithoutBody()
  @ApiOperation({ operationId: 'enableUser', summary: 'Let a user in again', description: 'With the password that they had.' })
  @Problems('forbidden', 'cross-site-request')
  @Answers(200, userSchema, 'The user')
  enable(@CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string) {
    return this.requests.enable(caller, id);
  }

  @Post(':id/reset')
  @Takes('user.reset')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({
    operationId: 'resetUser', summary: 'Give a user a new password',
    description: 'Shown once, and to be changed at the next sign-in; with `secondFactor` the second factor is removed, too. Their sessions '
      + 'end. For operators.',
  })
  @Problems('forbidden', 'weak-password')
  @Answers(200, userPasswordSchema, 'The user, and their new password')
  reset(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string,
    @Body({ schema: resetUserSchema.prefault({}) }) body: ResetUserBody,
  ) {
    return this.requests.reset(caller, id, body);
  }

  @Delete(':id')
  @Takes('user.remove')
  @Changes()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'removeUser', summary: 'Remove a user', description: 'What they did stays in the record of who did what, under their id.',
  })
  @Problems('forbidden', 'last-owner', 'cross-site-request')
  @ApiResponse({ status: 204, description: 'They are removed' })
  remove(@CurrentCaller() caller: Caller, @Param('id', idParameter('user')) id: string) {
    return this.requests.remove(caller, id);
  }
}
