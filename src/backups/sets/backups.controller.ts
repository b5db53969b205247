import { Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { z } from 'zod';
import type { Action } from '../../access/actions.js';
import { reachOf } from '../../access/actor.js';
import { audit } from '../../changes/audit.js';
import { idParameter } from '../../http/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../../http/paging.js';
import { admit } from '../../access/permission.js';
import type { Caller } from '../../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../../http/route.js';
import { send } from '../../http/send.js';
import { DatabaseNotAvailableError } from '../../databases/database-errors.js';
import type { DatabaseDocument } from '../../databases/database.schemas.js';
import { DatabasesService } from '../../databases/databases.service.js';
import { RequestsService } from '../../changes/requests.service.js';
import { notFound } from '../../problems/problem.js';
import { requireNoBody } from '../../http/validation.js';
import { backupListSchema, backupPolicySchema, policyQuerySchema } from './backup.schemas.js';
import { BackupsService } from './backups.service.js';
import { operationAnswerSchema } from '../../http/operation.schemas.js';

@ApiTags('Backups')
@Controller('v1/databases/:id/backups')
export class BackupsController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly backups: BackupsService,
    private readonly requests: RequestsService,
  ) {}

  @Get()
  @Takes('backup.list')
  @ApiOperation({ operationId: 'listBackups', summary: 'List the backups of a database, newest first', description: 'With their copies at the backup sites. Those of a deleted database are listed until they are purged.' })
  @Answers(200, backupListSchema, 'A page of backups')
  async list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) databaseId: string, @Query({ schema: pageSchema }) page: Page) {
    await this.admit(caller, 'backup.list', databaseId);
    return pageOf(page, (limit, before) => this.backups.list(reachOf(caller.actor), { databaseId, limit, before }), (backup) => backup);
  }

  @Post()
  @Takes('database.back-up')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'createBackup', summary: 'Make a backup now', description: 'Beside the daily one. Asked for while one is made, answers with that.' })
  @Problems('forbidden', 'database-not-available', 'unavailable')
  @Answers(202, operationAnswerSchema, 'The operation')
  async create(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Res({ passthrough: true }) response: Response) {
    const database = await this.admit(caller, 'database.back-up', id);
    requireNoBody(caller.body);
    if (database.postgresVersion === null || database.deletedAt !== null) throw new DatabaseNotAvailableError(database.state);
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.backups.request(tx, { database, reason: 'requested', requestedBy: caller.actor.id, requestId: caller.requestId });
      await audit(tx, caller, { action: 'database.back-up', subjectId: id, customerId: database.customerId });
      return { status: 202, body: { operation }, operation };
    }));
  }

  @Post(':backupId/verify')
  @Takes('backup.verify')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'verifyBackup', summary: 'Prove a backup now', description: 'It is restored on a spare place, started there, checked relation by relation, and removed again; your own functions in indexes run as your role, and what they do wrong is a remark. Each is proved within a day by itself.' })
  @Problems('forbidden', 'backup-not-stored', 'unavailable')
  @Answers(202, operationAnswerSchema, 'The operation')
  async verify(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('backupId', idParameter('backup')) backupId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const database = await this.admit(caller, 'backup.verify', id);
    requireNoBody(caller.body);
    const [backup] = await this.backups.list(reachOf(caller.actor), { databaseId: id, id: backupId, limit: 1 });
    if (!backup) throw notFound();
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.backups.requestProof(tx, { database, backupId, requestedBy: caller.actor.id, requestId: caller.requestId });
      await audit(tx, caller, { action: 'backup.verify', subjectId: id, customerId: database.customerId, detail: { backupId } });
      return { status: 202, body: { operation }, operation };
    }));
  }

  private admit({ actor }: Caller, action: Action, id: string): Promise<DatabaseDocument> {
    return admit(actor, action, (reach) => this.databases.find(reach, id));
  }
}

@ApiTags('Backups')
@Controller('v1/backup-policy')
export class BackupPolicyController {
  constructor(private readonly backups: BackupsService) {}

  @Get()
  @Takes('backup-policy.read')
  @ApiOperation({ operationId: 'getBackupPolicy', summary: 'See which backups would exist on a day', description: 'And where their copies are. Needs no key.' })
  @Answers(200, backupPolicySchema, 'The days whose backups are kept, and the sites')
  read(@Query({ schema: policyQuerySchema }) { on }: z.output<typeof policyQuerySchema>) {
    return this.backups.policy(on ?? new Date().toISOString().slice(0, 10));
  }
}
