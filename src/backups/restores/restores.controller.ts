import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Action } from '../../access/actions.js';
import { reachOf } from '../../access/actor.js';
import { audit } from '../../changes/audit.js';
import { idParameter } from '../../http/id-parameter.js';
import { admit } from '../../access/permission.js';
import type { Caller } from '../../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../../http/route.js';
import { send } from '../../http/send.js';
import type { DatabaseDocument } from '../../databases/database.schemas.js';
import { DatabasesService } from '../../databases/databases.service.js';
import { RequestsService } from '../../changes/requests.service.js';
import type { Wanted } from './choose-restore-source.js';
import { restoreAnswerSchema, type RestoreBody, restoreSchema, type UndeleteBody, undeleteSchema } from './restore.schemas.js';
import { RestoresService } from './restores.service.js';
import { databaseOperationAnswerSchema } from '../../databases/database.schemas.js';

@ApiTags('Backups')
@Controller('v1/databases/:id')
export class RestoresController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly restores: RestoresService,
    private readonly requests: RequestsService,
  ) {}

  @Post('restore')
  @Takes('database.restore')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'restoreDatabase', summary: 'Restore a database', description: 'To any second since the oldest backup, to the last that was archived, or to a named backup; into a new database, whose credentials are answered, or in place, and then the present state is kept aside.',
  })
  @Problems('forbidden', 'restore-out-of-range', 'backup-not-stored', 'invalid-name', 'name-taken', 'quota-exceeded', 'no-room', 'database-not-available', 'operation-in-progress')
  @Answers(202, restoreAnswerSchema, 'The database, its operation and, of a new one, its credentials')
  async restore(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: restoreSchema }) { time, backupId, into, name }: RestoreBody, @Res({ passthrough: true }) response: Response,
  ) {
    const database = await this.admit(caller, 'database.restore', id);
    const request = { database, wanted: toWanted({ time, backupId }), ...asker(caller) };
    return send(response, await this.requests.request(caller, async (tx) => {
      const made = await (into === 'new' ? this.restores.restoreIntoNew(tx, request, name) : this.restores.restoreInPlace(tx, request));
      await audit(tx, caller, { action: 'database.restore', subjectId: id, customerId: database.customerId, detail: { into, time, backupId, databaseId: made.database.id } });
      return { status: 202, body: made, operation: made.operation };
    }));
  }

  @Post('undelete')
  @Takes('database.undelete')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'undeleteDatabase', summary: 'Bring a deleted database back', description: 'As it was when it was deleted, with its endpoint and password, under its own name or another one; until `purgeAt`.' })
  @Problems('forbidden', 'invalid-name', 'database-not-deleted', 'backup-not-stored', 'name-taken', 'quota-exceeded', 'no-room')
  @Answers(202, databaseOperationAnswerSchema, 'The database and the operation')
  async undelete(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: undeleteSchema }) { name }: UndeleteBody,
    @Res({ passthrough: true }) response: Response,
  ) {
    const database = await this.admit(caller, 'database.undelete', id);
    return send(response, await this.requests.request(caller, async (tx) => {
      const answer = await this.restores.undelete(tx, { database, ...asker(caller) }, name);
      await audit(tx, caller, { action: 'database.undelete', subjectId: id, customerId: database.customerId, detail: { name } });
      return { status: 202, body: answer, operation: answer.operation };
    }));
  }

  private admit({ actor }: Caller, action: Action, id: string): Promise<DatabaseDocument> {
    return admit(actor, action, (reach) => this.databases.find(reach, id));
  }
}

function toWanted({ time, backupId }: Pick<RestoreBody, 'time' | 'backupId'>): Wanted {
  if (time === undefined) return { backupId: backupId ?? '' };
  return { time: time === 'latest' ? time : new Date(time) };
}

function asker({ actor, requestId }: Caller) {
  return { actor: { id: actor.id, reach: reachOf(actor) }, requestId };
}
