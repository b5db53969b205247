import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { z } from 'zod';
import type { Action } from '../access/actions.js';
import { reachOf } from '../access/actor.js';
import { audit } from '../changes/audit.js';
import { ChangesService } from '../changes/changes.service.js';
import { idParameter } from '../http/id-parameter.js';
import { pageOf } from '../http/paging.js';
import { admit, reachFor } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { send } from '../http/send.js';
import type { CustomerEntity } from '../customers/customer.entity.js';
import { CustomersService } from '../customers/customers.service.js';
import type { Reach } from '../metadata/reach.js';
import { RequestsService } from '../changes/requests.service.js';
import { notFound } from '../problems/problem.js';
import { requireNoBody } from '../http/validation.js';
import { CustomerNotFoundError } from './database-errors.js';
import { type AutomationBody, automationSchema, credentialsSchema, type DatabaseDocument, databaseFilterSchema, databaseListSchema, databaseOperationAnswerSchema, databaseSchema, type DeletionQuery, deletionSchema, type FailoverBody, failoverSchema, newDatabaseAnswerSchema, type NewDatabaseBody, newDatabaseSchema, type SwitchoverBody, switchoverSchema } from './database.schemas.js';
import { DatabasesService } from './databases.service.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';

/** How long an operator is kept waiting for what a lost primary may say. */
const LOOK_TIMEOUT_MS = 3_000;

@ApiTags('Databases')
@Controller('v1/databases')
export class DatabasesController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly customers: CustomersService,
    private readonly requests: RequestsService,
    private readonly changes: ChangesService,
  ) {}

  @Post()
  @Takes('database.create')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'createDatabase', summary: 'Ask for a database', description: 'Answers at once with the credentials and the operation to follow; they work once it has succeeded.' })
  @Problems('invalid-name', 'customer-not-found', 'unknown-region', 'unknown-plan', 'locale-not-available', 'name-taken', 'quota-exceeded', 'region-closed', 'no-room')
  @Answers(202, newDatabaseAnswerSchema, 'The database, its operation and its credentials')
  async create(@CurrentCaller() caller: Caller, @Body({ schema: newDatabaseSchema }) body: NewDatabaseBody, @Res({ passthrough: true }) response: Response) {
    await admit(caller.actor, 'database.create', (reach) => this.findCustomer(reach, body.customerId), ({ id }) => id);
    const locale = await this.databases.chooseLocale(body.region, body);
    return send(response, await this.requests.request(caller, async (tx) => {
      const made = await this.databases.create(tx, { ...body, locale, ...asker(caller) });
      await audit(tx, caller, { action: 'database.create', subjectId: made.database.id, customerId: body.customerId, detail: { name: body.name, region: body.region, plan: body.plan, locale: locale.name, provider: locale.provider } });
      return { status: 202, body: made, operation: made.operation };
    }));
  }

  @Get()
  @Takes('database.list')
  @ApiOperation({ operationId: 'listDatabases', summary: 'List databases, newest first', description: 'Those that the key can see.' })
  @Answers(200, databaseListSchema, 'A page of databases')
  list(@CurrentCaller() { actor }: Caller, @Query({ schema: databaseFilterSchema }) filter: z.output<typeof databaseFilterSchema>) {
    return pageOf(filter, (limit, before) => this.databases.list(reachFor(actor, 'database.list'), { limit, before, customerId: filter.customerId, region: filter.region }), (database) => database);
  }

  @Get(':id')
  @Takes('database.read')
  @ApiOperation({ operationId: 'getDatabase', summary: 'Read a database', description: 'Its state, its endpoint and its instances.' })
  @Answers(200, databaseSchema, 'The database')
  async get(@CurrentCaller() { actor }: Caller, @Param('id', idParameter('database')) id: string): Promise<DatabaseDocument> {
    return admit(actor, 'database.read', (reach) => this.databases.observe(reach, id));
  }

  @Delete(':id')
  @Takes('database.delete')
  @HttpCode(202)
  @ApiOperation({ operationId: 'deleteDatabase', summary: 'Delete a database', description: 'Its clients are cut at once. Its instances and files go as soon as a backup and the WAL after it hold everything that was written, which is made or waited for if need be; the step `secure` tells. Its backups go after seven days. Repeating it answers the same.' })
  @Problems('forbidden', 'operation-in-progress')
  @Answers(202, databaseOperationAnswerSchema, 'The database and the operation')
  async delete(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Query({ schema: deletionSchema }) { withoutBackup }: DeletionQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId } = await this.admit(caller, 'database.delete', id);
    return send(response, await this.requests.request({ ...caller, idempotencyKey: undefined }, async (tx) => {
      const answer = await this.databases.delete(tx, { id, ...asker(caller), withoutBackup });
      await audit(tx, caller, { action: 'database.delete', subjectId: id, customerId, detail: { ...(withoutBackup && { withoutBackup }) } });
      return { status: 202, body: answer, operation: answer.operation };
    }));
  }

  @Post(':id/password')
  @Takes('database.rotate-password')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({ operationId: 'rotatePassword', summary: 'Get a new password', description: 'The old one stops working. Sessions that are open stay open.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'operation-failed', 'unavailable')
  @Answers(200, credentialsSchema, 'The new credentials')
  async rotatePassword(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Res({ passthrough: true }) response: Response) {
    const { customerId } = await this.admit(caller, 'database.rotate-password', id);
    requireNoBody(caller.body);
    return send(response, await this.requests.request(caller, async (tx) => {
      const { credentials, operation } = await this.databases.rotatePassword(tx, { id, ...asker(caller) });
      await audit(tx, caller, { action: 'database.rotate-password', subjectId: id, customerId });
      return { status: 200, body: credentials, operation, waits: true };
    }));
  }

  @Post(':id/switchover')
  @Takes('database.switchover')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'switchover', summary: 'Make a standby the primary, as planned', description: 'Nothing is lost, and clients of the pooled endpoint only wait. It begins once no transaction is open for long: until then nobody is held up, and its step `quiet` names what it waits for. Asked again while it runs, it answers the same. For operators.' })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  async switchover(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: switchoverSchema }) { endTransactionsAfterMinutes }: SwitchoverBody, @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId } = await this.admit(caller, 'database.switchover', id);
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.databases.switchover(tx, { id, ...asker(caller), endTransactionsAfterMinutes });
      await audit(tx, caller, { action: 'database.switchover', subjectId: id, customerId, detail: { endTransactionsAfterMinutes } });
      return { status: 202, body: { operation }, operation };
    }));
  }

  @Post(':id/failover')
  @Takes('database.failover')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'failover', summary: 'Make a standby the primary, whatever the primary does', description: 'Nothing that was acknowledged is lost while a standby is in sync. For operators.' })
  @Problems('forbidden', 'database-not-available', 'data-loss-not-accepted', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  async failover(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: failoverSchema }) { acceptDataLoss }: FailoverBody, @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId, inSync } = await this.admit(caller, 'database.failover', id);
    const bytesAtRisk = inSync ? 0 : await this.databases.bytesAtRisk(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.databases.failover(tx, { id, ...asker(caller), acceptDataLoss, forced: true, reason: 'asked for by an operator', bytesAtRisk });
      await audit(tx, caller, { action: 'database.failover', subjectId: id, customerId, detail: { acceptDataLoss, bytesAtRisk } });
      return { status: 202, body: { operation, bytesAtRisk }, operation };
    }));
  }

  @Post(':id/kept-copies/:keptCopyId/release')
  @Takes('database.release-kept')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'releaseKeptCopy', summary: 'Remove a kept copy', description: 'What a failover that accepted a loss of data moved aside is removed for good. For operators.' })
  @Problems('forbidden', 'operation-in-progress')
  @Answers(202, operationAnswerSchema, 'The operation')
  async releaseKept(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Param('keptCopyId') keptCopyId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { customerId } = await this.admit(caller, 'database.release-kept', id);
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.databases.releaseKept(tx, { id, keptCopyId, ...asker(caller) });
      if (!operation) throw notFound();
      await audit(tx, caller, { action: 'database.release-kept', subjectId: id, customerId, detail: { keptCopyId } });
      return { status: 202, body: { operation }, operation };
    }));
  }

  @Post(':id/automation')
  @Takes('automation.pause', 'automation.resume')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({ operationId: 'setAutomation', summary: 'Pause or resume automation', description: 'While it is paused Freehold changes nothing about the database by itself; alerts go on. For operators.' })
  @Problems('forbidden')
  @Answers(200, databaseSchema, 'The database')
  async setAutomation(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: automationSchema }) body: AutomationBody, @Res({ passthrough: true }) response: Response,
  ) {
    const action = body.paused ? 'automation.pause' : 'automation.resume';
    const { customerId } = await this.admit(caller, action, id);
    return send(response, await this.changes.change(caller, async (tx) => {
      const database = await this.databases.setAutomation(tx, { id, ...asker(caller), ...body });
      await audit(tx, caller, { action, subjectId: id, customerId, detail: { reason: body.reason } });
      return { status: 200, body: database };
    }));
  }

  private async findCustomer(reach: Reach, id: string): Promise<CustomerEntity> {
    const customer = await this.customers.find(reach, id);
    if (!customer) throw new CustomerNotFoundError(id);
    return customer;
  }

  private admit({ actor }: Caller, action: Action, id: string): Promise<DatabaseDocument> {
    return admit(actor, action, (reach) => this.databases.find(reach, id));
  }
}

function asker({ actor, requestId }: Caller) {
  return { actor: { id: actor.id, reach: reachOf(actor) }, requestId };
}
