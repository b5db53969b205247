import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import type { Caller } from '../../changes/caller.js';
import { idParameter } from '../../http/id-parameter.js';
import { operationAnswerSchema } from '../../http/operation.schemas.js';
import { type Page, pageOf, pageSchema } from '../../http/paging.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes, WithoutBody } from '../../http/route.js';
import { tagged } from '../../http/tags.js';
import { BackupRequests } from './backup.requests.js';
import { backupListSchema, backupPolicySchema, policyQuerySchema } from './backup.schemas.js';
import { BackupsService } from './backups.service.js';

@tagged('Backups', 'What outlives everything else')
@Controller('v1/databases/:id/backups')
export class BackupsController {
  constructor(private readonly requests: BackupRequests) {}

  @Get()
  @Takes('backup.list')
  @ApiOperation({
    operationId: 'listBackups', summary: 'List the backups of a database, newest first',
    description: 'With their copies at the backup sites. Those of a deleted database are listed until they are purged.',
  })
  @Answers(200, backupListSchema, 'A page of backups')
  list(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Query({ schema: pageSchema }) page: Page,
  ) {
    return pageOf(page, (limit, before) => this.requests.list(caller, id, { limit, before }), (backup) => backup);
  }

  @Post()
  @Takes('database.back-up')
  @HttpCode(202)
  @Repeatable()
  @WithoutBody()
  @ApiOperation({
    operationId: 'createBackup', summary: 'Make a backup now',
    description: 'Beside the daily one. Asked for while one is made, answers with that.',
  })
  @Problems('forbidden', 'database-not-available', 'unavailable')
  @Answers(202, operationAnswerSchema, 'The operation')
  create(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    return this.requests.backUp(caller, id);
  }

  @Post(':backupId/verify')
  @Takes('backup.verify')
  @HttpCode(202)
  @Repeatable()
  @WithoutBody()
  @ApiOperation({
    operationId: 'verifyBackup', summary: 'Prove a backup now',
    description: 'It is restored on a spare place, started there, checked relation by relation, and removed again; your own functions in '
      + 'indexes run as your role, and what they do wrong is a remark. Each is proved within a day by itself.',
  })
  @Problems('forbidden', 'backup-not-stored', 'unavailable')
  @Answers(202, operationAnswerSchema, 'The operation')
  verify(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Param('backupId', idParameter('backup')) backupId: string,
  ) {
    return this.requests.verify(caller, id, backupId);
  }
}

@tagged('Backups', 'What outlives everything else')
@Controller('v1/backup-policy')
export class BackupPolicyController {
  constructor(private readonly backups: BackupsService) {}

  @Get()
  @Takes('backup-policy.read')
  @ApiOperation({
    operationId: 'getBackupPolicy', summary: 'See which backups would exist on a day',
    description: 'And where their copies are. Needs no key.',
  })
  @Answers(200, backupPolicySchema, 'The days whose backups are kept, and the sites')
  read(@Query({ schema: policyQuerySchema }) { on }: z.output<typeof policyQuerySchema>) {
    return this.backups.policy(on ?? new Date().toISOString().slice(0, 10));
  }
}
