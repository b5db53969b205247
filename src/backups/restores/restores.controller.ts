import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../../changes/caller.js';
import { databaseOperationAnswerSchema } from '../../databases/database.schemas.js';
import { idParameter } from '../../http/id-parameter.js';
import { Answers, CurrentCaller, Example, Problems, Repeatable, Takes } from '../../http/route.js';
import { tagged } from '../../http/tags.js';
import { RestoreRequests } from './restore.requests.js';
import { restoreAnswerSchema, type RestoreBody, restoreSchema, type UndeleteBody, undeleteSchema } from './restore.schemas.js';

@tagged('Backups', 'What outlives everything else')
@Controller('v1/databases/:id')
export class RestoresController {
  constructor(private readonly requests: RestoreRequests) {}

  @Post('restore')
  @Takes('database.restore')
  @HttpCode(202)
  @Repeatable()
  @Example({ time: '2026-11-24T10:15:00+01:00', into: 'new', name: 'shop-as-of-ten' })
  @ApiOperation({
    operationId: 'restoreDatabase', summary: 'Restore a database',
    description: 'To any second since the oldest backup, to the last that was archived, or to a named backup; into a new database, whose '
      + 'credentials are answered, or in place, and then the present state is kept aside.',
  })
  @Problems(
    'forbidden', 'restore-out-of-range', 'backup-not-stored', 'invalid-name', 'name-taken', 'quota-exceeded', 'no-room',
    'database-not-available', 'operation-in-progress',
  )
  @Answers(202, restoreAnswerSchema, 'The database, its operation and, of a new one, its credentials')
  restore(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: restoreSchema }) body: RestoreBody,
  ) {
    return this.requests.restore(caller, id, body);
  }

  @Post('undelete')
  @Takes('database.undelete')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'undeleteDatabase', summary: 'Bring a deleted database back',
    description: 'As it was when it was deleted, with its endpoint and password, under its own name or another one; until `purgeAt`.',
  })
  @Problems('forbidden', 'invalid-name', 'database-not-deleted', 'backup-not-stored', 'name-taken', 'quota-exceeded', 'no-room')
  @Answers(202, databaseOperationAnswerSchema, 'The database and the operation')
  undelete(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: undeleteSchema }) body: UndeleteBody,
  ) {
    return this.requests.undelete(caller, id, body);
  }
}
