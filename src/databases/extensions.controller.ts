import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { ExtensionRequests } from './extension.requests.js';
import { extensionListSchema, extensionName, type NewExtensionBody, newExtensionSchema } from './extension.schemas.js';

@tagged('Databases', 'A PostgreSQL of their own')
@Controller('v1/databases/:id/extensions')
export class ExtensionsController {
  constructor(private readonly requests: ExtensionRequests) {}

  @Get()
  @Takes('extension.list')
  @ApiOperation({
    operationId: 'listExtensions', summary: 'List extensions',
    description: 'Those that the server has, whether the database has them, and who may make them, with the reason.',
  })
  @Problems('database-not-available', 'unavailable')
  @Answers(200, extensionListSchema, 'All extensions, by name')
  async list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    return { data: await this.requests.list(caller, id), nextCursor: null };
  }

  @Post()
  @Takes('extension.create')
  @HttpCode(202)
  @Repeatable()
  @Example({ name: 'earthdistance', schema: 'public' })
  @ApiOperation({
    operationId: 'createExtension', summary: 'Make an extension',
    description: 'Also one that PostgreSQL gives to superusers alone, if it does no harm; the list says which. Harmless if it is there.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'extension-refused')
  @Answers(202, operationAnswerSchema, 'The operation')
  create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: newExtensionSchema }) body: NewExtensionBody,
  ) {
    return this.requests.create(caller, id, body);
  }

  @Delete(':name')
  @Takes('extension.drop')
  @Changes()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'dropExtension', summary: 'Take an extension away',
    description: 'Refused while something rests on it. Harmless if it is gone.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'extension-refused')
  @Answers(202, operationAnswerSchema, 'The operation')
  drop(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Param('name', { schema: extensionName }) name: string,
  ) {
    return this.requests.drop(caller, id, name);
  }
}
