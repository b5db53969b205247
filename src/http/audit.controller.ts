import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { OperationRequests } from '../changes/operation.requests.js';
import { auditEventListSchema } from './audit.schemas.js';
import { type Page, pageOf, pageSchema } from './paging.js';
import { Answers, CurrentCaller, Takes } from './route.js';
import { tagged } from './tags.js';

@tagged('Audit', 'Who did what')
@Controller('v1/audit-events')
export class AuditController {
  constructor(private readonly requests: OperationRequests) {}

  @Get()
  @Takes('audit-event.list')
  @ApiOperation({
    operationId: 'listAuditEvents', summary: 'List who did what, newest first',
    description: 'What was done, and what was refused. Operators see everything, customers what was done to their own.',
  })
  @Answers(200, auditEventListSchema, 'A page of audit events')
  list(@CurrentCaller() caller: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.requests.listAuditEvents(caller, { limit, before }), (event) => event);
  }
}
