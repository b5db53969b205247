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
import { DatabaseNotAvailableError } from './database-errors.js';
import type { DatabaseDocument } from './database.schemas.js';
import { DatabasesService } from './databases.service.js';
import { extensionListSchema, extensionName, type NewExtensionBody, newExtensionSchema } from './extension.schemas.js';
import { ExtensionsService } from './extensions.service.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';

/** How long a caller is kept waiting for a primary that may not answer. */
const LOOK_TIMEOUT_MS = 5_000;

@ApiTags('Databases')
@Controller('v1/databases/:id/extensions')
export class ExtensionsController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly extensions: ExtensionsService,
    private readonly requests: RequestsService,
  ) {}

  @Get()
  @Takes('extension.list')
  @ApiOperation({ operationId: 'listExtensions', summary: 'List extensions', description: 'Those that the server has, whether the database has them, and who may make them, with the reason.' })
  @Problems('database-not-available', 'unavailable')
  @Answers(200, extensionListSchema, 'All extensions, by name')
  async list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    const { instances, deletedAt, state } = await this.admit(caller, 'extension.list', id);
    if (deletedAt !== null || instances.length === 0) throw new DatabaseNotAvailableError(state);
    return { data: await this.extensions.list(id, AbortSignal.timeout(LOOK_TIMEOUT_MS)), nextCursor: null };
  }

  @Post()
  @Takes('extension.create')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'createExtension', summary: 'Make an extension', description: 'Also one that PostgreSQL gives to superusers alone, if it does no harm; the list says which. Harmless if it is there.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'extension-refused')
  @Answers(202, operationAnswerSchema, 'The operation')
  async create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: newExtensionSchema }) body: NewExtensionBody, @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId } = await this.admit(caller, 'extension.create', id);
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.extensions.create(tx, { id, ...asker(caller), ...body });
      await audit(tx, caller, { action: 'extension.create', subjectId: id, customerId, detail: body });
      return { status: 202, body: { operation }, operation };
    }));
  }

  @Delete(':name')
  @Takes('extension.drop')
  @HttpCode(202)
  @ApiOperation({ operationId: 'dropExtension', summary: 'Take an extension away', description: 'Refused while something rests on it. Harmless if it is gone.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'extension-refused')
  @Answers(202, operationAnswerSchema, 'The operation')
  async drop(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('name', { schema: extensionName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId } = await this.admit(caller, 'extension.drop', id);
    return send(response, await this.requests.request({ ...caller, idempotencyKey: undefined }, async (tx) => {
      const operation = await this.extensions.drop(tx, { id, ...asker(caller), name });
      await audit(tx, caller, { action: 'extension.drop', subjectId: id, customerId, detail: { name } });
      return { status: 202, body: { operation }, operation };
    }));
  }

  private admit({ actor }: Caller, action: Action, id: string): Promise<DatabaseDocument> {
    return admit(actor, action, (reach) => this.databases.find(reach, id));
  }
}

function asker({ actor, requestId }: Caller) {
  return { actor: { id: actor.id, reach: reachOf(actor) }, requestId };
}
