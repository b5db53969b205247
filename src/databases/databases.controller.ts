import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';
import { pageOf } from '../http/paging.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { DatabaseRequests } from './database.requests.js';
import {
  type AutomationBody, automationSchema, credentialsSchema, type DatabaseDocument, databaseFilterSchema, databaseListSchema,
  databaseOperationAnswerSchema, databaseSchema, type DeletionQuery, deletionSchema, type FailoverBody, failoverSchema,
  newDatabaseAnswerSchema, type NewDatabaseBody, newDatabaseSchema, type PasswordBody, passwordSchema,
  type SwitchoverBody, switchoverSchema,
} from './database.schemas.js';

@tagged('Databases', 'A PostgreSQL of their own')
@Controller('v1/databases')
export class DatabasesController {
  constructor(private readonly requests: DatabaseRequests) {}

  @Post()
  @Takes('database.create')
  @HttpCode(202)
  @Repeatable()
  @Example({ customerId: 'cus_01hzy3v7q8k2w5n9t4r6x1m0pa', name: 'shop', region: 'europe', plan: 'starter' })
  @ApiOperation({
    operationId: 'createDatabase', summary: 'Ask for a database',
    description: 'Answers at once with the credentials and the operation to follow; they work once it has succeeded.',
  })
  @Problems(
    'invalid-name', 'customer-not-found', 'unknown-region', 'unknown-plan', 'locale-not-available', 'name-taken',
    'quota-exceeded', 'region-closed', 'no-room',
  )
  @Answers(202, newDatabaseAnswerSchema, 'The database, its operation and its credentials')
  create(@CurrentCaller() caller: Caller, @Body({ schema: newDatabaseSchema }) body: NewDatabaseBody) {
    return this.requests.create(caller, body);
  }

  @Get()
  @Takes('database.list')
  @ApiOperation({ operationId: 'listDatabases', summary: 'List databases, newest first', description: 'Those that the key can see.' })
  @Answers(200, databaseListSchema, 'A page of databases')
  list(@CurrentCaller() caller: Caller, @Query({ schema: databaseFilterSchema }) filter: z.output<typeof databaseFilterSchema>) {
    const { customerId, region } = filter;
    return pageOf(filter, (limit, before) => this.requests.list(caller, { limit, before, customerId, region }), (database) => database);
  }

  @Get(':id')
  @Takes('database.read')
  @ApiOperation({ operationId: 'getDatabase', summary: 'Read a database', description: 'Its state, its endpoint and its instances.' })
  @Answers(200, databaseSchema, 'The database')
  get(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string): Promise<DatabaseDocument> {
    return this.requests.read(caller, id);
  }

  @Delete(':id')
  @Takes('database.delete')
  @Changes()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'deleteDatabase', summary: 'Delete a database',
    description: 'Its clients are cut at once. Its instances and files go as soon as a backup and the WAL after it hold everything that '
      + 'was written, which is made or waited for if need be; the step `secure` tells. Its backups go after seven days. '
      + 'Repeating it answers the same.',
  })
  @Problems('forbidden', 'operation-in-progress')
  @Answers(202, databaseOperationAnswerSchema, 'The database and the operation')
  delete(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Query({ schema: deletionSchema }) query: DeletionQuery,
  ) {
    return this.requests.delete(caller, id, query);
  }

  @Post(':id/password')
  @Takes('database.rotate-password')
  @HttpCode(200)
  @Repeatable()
  @Example({ overlapHours: 24 })
  @ApiOperation({
    operationId: 'rotatePassword', summary: 'Get a new password',
    description: 'The old one stops working, at once or after as many hours as are said; take `user` from the answer, too. Sessions that '
      + 'are open stay open.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'operation-failed', 'unavailable')
  @Answers(200, credentialsSchema, 'The new credentials')
  rotatePassword(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: passwordSchema }) body: PasswordBody,
  ) {
    return this.requests.rotatePassword(caller, id, body);
  }

  @Post(':id/switchover')
  @Takes('database.switchover')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'switchover', summary: 'Make a standby the primary, as planned',
    description: 'Nothing is lost, and clients of the pooled endpoint only wait. It begins once no transaction is open for long: until '
      + 'then nobody is held up, and its step `quiet` names what it waits for. Asked again while it runs, it answers '
      + 'the same. For operators.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  switchover(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: switchoverSchema }) body: SwitchoverBody,
  ) {
    return this.requests.switchover(caller, id, body);
  }

  @Post(':id/failover')
  @Takes('database.failover')
  @HttpCode(202)
  @Repeatable()
  @Example({ acceptDataLoss: false })
  @ApiOperation({
    operationId: 'failover', summary: 'Make a standby the primary, whatever the primary does',
    description: 'Nothing that was acknowledged is lost while a standby is in sync. For operators.',
  })
  @Problems('forbidden', 'database-not-available', 'data-loss-not-accepted', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  failover(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: failoverSchema }) body: FailoverBody,
  ) {
    return this.requests.failover(caller, id, body);
  }

  @Post(':id/kept-copies/:keptCopyId/release')
  @Takes('database.release-kept')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'releaseKeptCopy', summary: 'Remove a kept copy',
    description: 'What a failover that accepted a loss of data moved aside is removed for good. For operators.',
  })
  @Problems('forbidden', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  releaseKept(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('keptCopyId') keptCopyId: string,
  ) {
    return this.requests.releaseKept(caller, id, keptCopyId);
  }

  @Post(':id/automation')
  @Takes('automation.pause', 'automation.resume')
  @HttpCode(200)
  @Repeatable()
  @Example({ paused: true, reason: 'investigating a slow disk' })
  @ApiOperation({
    operationId: 'setAutomation', summary: 'Pause or resume automation',
    description: 'While it is paused Freehold changes nothing about the database by itself; alerts go on. For operators.',
  })
  @Problems('forbidden')
  @Answers(200, databaseSchema, 'The database')
  setAutomation(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: automationSchema }) body: AutomationBody,
  ) {
    return this.requests.setAutomation(caller, id, body);
  }
}
