import { Body, Controller, Delete, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Action } from '../access/actions.js';
import { reachOf } from '../access/actor.js';
import { audit } from '../changes/audit.js';
import { idParameter } from '../http/id-parameter.js';
import { admit } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { send } from '../http/send.js';
import { RequestsService } from '../changes/requests.service.js';
import { notFound } from '../problems/problem.js';
import { requireNoBody } from '../http/validation.js';
import { DatabaseNotAvailableError } from './database-errors.js';
import type { DatabaseDocument } from './database.schemas.js';
import { DatabasesService } from './databases.service.js';
import { type NewRoleBody, newRoleSchema, roleListSchema, roleName } from './role.schemas.js';
import { RolesService } from './roles.service.js';
import { credentialsSchema } from './database.schemas.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';

/** How long a caller is kept waiting for a primary that may not answer. */
const LOOK_TIMEOUT_MS = 5_000;

@ApiTags('Databases')
@Controller('v1/databases/:id/roles')
export class RolesController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly roles: RolesService,
    private readonly requests: RequestsService,
  ) {}

  @Get()
  @Takes('role.list')
  @ApiOperation({ operationId: 'listRoles', summary: 'List roles', description: 'The roles that were made beside the owner, by name, and what they may do.' })
  @Problems('database-not-available', 'unavailable')
  @Answers(200, roleListSchema, 'All roles, by name')
  async list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    requireInstances(await this.admit(caller, 'role.list', id));
    return { data: await this.roles.list(id, AbortSignal.timeout(LOOK_TIMEOUT_MS)), nextCursor: null };
  }

  @Post()
  @Takes('role.create')
  @HttpCode(201)
  @Repeatable()
  @ApiOperation({ operationId: 'createRole', summary: 'Make a role', description: 'One that only reads, or that reads and writes what the owner has, in every database, with what is made later. Answers with its credentials once they work; the password is shown here and nowhere else.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'role-taken', 'too-many-roles', 'operation-failed', 'unavailable')
  @Answers(201, credentialsSchema, 'Its credentials')
  async create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: newRoleSchema }) body: NewRoleBody,
    @Res({ passthrough: true }) response: Response,
  ) {
    const database = await this.admit(caller, 'role.create', id);
    const seen = await this.roles.look(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
    return send(response, await this.requests.request(caller, async (tx) => {
      requireInstances(database);
      const { credentials, operation } = await this.roles.create(tx, { id, ...asker(caller), ...body, owner: database.endpoint.user }, seen);
      await audit(tx, caller, { action: 'role.create', subjectId: id, customerId: database.customerId, detail: body });
      return { status: 201, body: credentials, operation, waits: true };
    }));
  }

  @Delete(':name')
  @Takes('role.drop')
  @HttpCode(202)
  @ApiOperation({ operationId: 'dropRole', summary: 'Remove a role', description: 'Its sessions end, and what it owns goes to the owner. Harmless if it is gone.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  async drop(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('name', { schema: roleName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId, endpoint } = await this.admit(caller, 'role.drop', id);
    if (name === endpoint.user) throw notFound();
    return send(response, await this.requests.request({ ...caller, idempotencyKey: undefined }, async (tx) => {
      const operation = await this.roles.drop(tx, { id, ...asker(caller), name });
      await audit(tx, caller, { action: 'role.drop', subjectId: id, customerId, detail: { name } });
      return { status: 202, body: { operation }, operation };
    }));
  }

  @Post(':name/password')
  @Takes('role.rotate-password')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({ operationId: 'rotateRolePassword', summary: 'Get a new password for a role', description: 'The old one stops working. Sessions that are open stay open.' })
  @Problems('forbidden', 'not-found', 'database-not-available', 'operation-in-progress', 'operation-failed', 'unavailable')
  @Answers(200, credentialsSchema, 'The new credentials')
  async rotatePassword(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('name', { schema: roleName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const database = await this.admit(caller, 'role.rotate-password', id);
    requireNoBody(caller.body);
    const seen = await this.roles.look(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
    return send(response, await this.requests.request(caller, async (tx) => {
      requireInstances(database);
      const asked = await this.roles.rotatePassword(tx, { id, ...asker(caller), name }, seen);
      if (!asked) throw notFound();
      await audit(tx, caller, { action: 'role.rotate-password', subjectId: id, customerId: database.customerId, detail: { name } });
      return { status: 200, body: asked.credentials, operation: asked.operation, waits: true };
    }));
  }

  private admit({ actor }: Caller, action: Action, id: string): Promise<DatabaseDocument> {
    return admit(actor, action, (reach) => this.databases.find(reach, id));
  }
}

/** Where there is no instance, nobody can be asked. */
function requireInstances({ instances, deletedAt, state }: DatabaseDocument): void {
  if (deletedAt !== null || instances.length === 0) throw new DatabaseNotAvailableError(state);
}

function asker({ actor, requestId }: Caller) {
  return { actor: { id: actor.id, reach: reachOf(actor) }, requestId };
}
