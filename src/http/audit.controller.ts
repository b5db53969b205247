import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Metadata } from '../metadata/metadata.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';
import { type Page, pageOf, pageSchema } from './paging.js';
import { reachFor } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Takes } from './route.js';
import { auditEventListSchema } from './audit.schemas.js';

interface AuditDocument {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly subjectId: string | null;
  readonly customerId: string | null;
  readonly requestId: string | null;
  readonly detail: Record<string, unknown>;
}

@ApiTags('Audit')
@Controller('v1/audit-events')
export class AuditController {
  constructor(private readonly metadata: Metadata) {}

  @Get()
  @Takes('audit-event.list')
  @ApiOperation({ operationId: 'listAuditEvents', summary: 'List who did what, newest first', description: 'Operators see everything, customers what was done to their own.' })
  @Answers(200, auditEventListSchema, 'A page of audit events')
  list(@CurrentCaller() { actor }: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.read(reachFor(actor, 'audit-event.list'), limit, before), (event) => event);
  }

  private read(reach: Reach, limit: number, before: string | undefined): Promise<AuditDocument[]> {
    return this.metadata.select(reach, writeSelect(SELECT_EVENTS, { 'id < ?': before }, reach, 'customer_id', 'ORDER BY id DESC LIMIT ?', limit));
  }
}

const SELECT_EVENTS = `
  SELECT id, at, actor, action, subject_id AS "subjectId", customer_id AS "customerId", request_id AS "requestId", detail
    FROM audit_events`;
