import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes, WithoutBody } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { credentialsSchema } from './database.schemas.js';
import { RoleRequests } from './role.requests.js';
import { type NewRoleBody, newRoleSchema, roleListSchema, roleName } from './role.schemas.js';

@tagged('Databases', 'A PostgreSQL of their own')
@Controller('v1/databases/:id/roles')
export class RolesController {
  constructor(private readonly requests: RoleRequests) {}

  @Get()
  @Takes('role.list')
  @ApiOperation({
    operationId: 'listRoles', summary: 'List roles',
    description: 'The roles that were made beside the owner, by name, and what they may do.',
  })
  @Problems('database-not-available', 'unavailable')
  @Answers(200, roleListSchema, 'All roles, by name')
  async list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    return { data: await this.requests.list(caller, id), nextCursor: null };
  }

  @Post()
  @Takes('role.create')
  @HttpCode(201)
  @Repeatable()
  @Example({ name: 'reporting', access: 'readOnly' })
  @ApiOperation({
    operationId: 'createRole', summary: 'Make a role',
    description: 'One that only reads, or that reads and writes what the owner has, in every database, with what is made later. Answers '
      + 'with its credentials once they work; the password is shown here and nowhere else.',
  })
  @Problems(
    'forbidden', 'database-not-available', 'operation-in-progress', 'role-taken', 'too-many-roles', 'operation-failed', 'unavailable',
  )
  @Answers(201, credentialsSchema, 'Its credentials')
  create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: newRoleSchema }) body: NewRoleBody,
  ) {
    return this.requests.create(caller, id, body);
  }

  @Delete(':name')
  @Takes('role.drop')
  @Changes()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'dropRole', summary: 'Remove a role',
    description: 'Its sessions end, and what it owns goes to the owner. Harmless if it is gone.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  drop(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Param('name', { schema: roleName }) name: string,
  ) {
    return this.requests.drop(caller, id, name);
  }

  @Post(':name/password')
  @Takes('role.rotate-password')
  @HttpCode(200)
  @Repeatable()
  @WithoutBody()
  @ApiOperation({
    operationId: 'rotateRolePassword', summary: 'Get a new password for a role',
    description: 'The old one stops working. Sessions that are open stay open.',
  })
  @Problems('forbidden', 'not-found', 'database-not-available', 'operation-in-progress', 'operation-failed', 'unavailable')
  @Answers(200, credentialsSchema, 'The new credentials')
  rotatePassword(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Param('name', { schema: roleName }) name: string,
  ) {
    return this.requests.rotatePassword(caller, id, name);
  }
}
