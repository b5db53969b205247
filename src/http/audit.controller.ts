import { pipeline } from 'node:stream/promises';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import { AuditRequests } from '../changes/audit/audit.requests.js';
import type { AuditDocument } from '../changes/audit/read-audit-events.js';
import type { Caller } from '../changes/caller.js';
import {
  auditEventListSchema, type AuditExportQuery, auditExportSchema, auditEventSchema, auditFilterSchema, auditLinesSchema, type AuditQuery,
  auditVerificationSchema, type VerificationQuery, verificationQuerySchema,
} from './audit.schemas.js';
import { referTo } from './components.js';
import { pageOf } from './paging.js';
import { Answers, CurrentCaller, Problems, Takes } from './route.js';
import { tagged } from './tags.js';
import { csvLine } from './write-csv.js';

const COLUMNS = Object.keys(auditEventSchema.shape) as (keyof AuditDocument)[];

@tagged('Audit', 'Who did what')
@Controller('v1/audit-events')
export class AuditController {
  constructor(private readonly requests: AuditRequests) {}

  @Get()
  @Takes('audit-event.list')
  @ApiOperation({
    operationId: 'listAuditEvents', summary: 'List who did what, newest first',
    description: 'What was done, and what was refused. Operators see everything, customers what was done to their own.',
  })
  @Answers(200, auditEventListSchema, 'A page of audit events')
  list(@CurrentCaller() caller: Caller, @Query({ schema: auditFilterSchema }) query: AuditQuery) {
    return pageOf(query, (limit, before) => this.requests.list(caller, query, { limit, before }), (event) => event);
  }

  @Get('export')
  @Takes('audit-event.export')
  @ApiOperation({
    operationId: 'exportAuditEvents', summary: 'Download who did what, oldest first',
    description: 'A line each, as JSON or CSV, of all that the same filters find. An export that fails midway aborts the connection '
      + 'and never ends cleanly.',
  })
  @ApiResponse({
    status: 200, description: 'The events',
    content: { 'application/x-ndjson': { schema: referTo(auditLinesSchema) }, 'text/csv': { schema: referTo(auditLinesSchema) } },
  })
  async export(
    @CurrentCaller() caller: Caller, @Query({ schema: auditExportSchema }) { format, ...filter }: AuditExportQuery,
    @Res() response: Response,
  ): Promise<void> {
    const events = await this.requests.export(caller, filter);
    response.type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson');
    response.setHeader('Content-Disposition', `attachment; filename="audit.${format}"`);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await pipeline(format === 'csv' ? toCsv(events) : toJsonLines(events), response, { signal: gone.signal });
    } catch (error) {
      if (!gone.signal.aborted) throw error;
    }
  }

  @Get('verification')
  @Takes('audit-event.verify')
  @ApiOperation({
    operationId: 'verifyAuditEvents', summary: 'Verify the whole audit',
    description: 'Reads the chain of hashes from its beginning and compares it with the hashes that were published. For operators.',
  })
  @Problems('forbidden')
  @Answers(200, auditVerificationSchema, 'What was found')
  verify(@CurrentCaller() caller: Caller, @Query({ schema: verificationQuerySchema }) { anchors = [] }: VerificationQuery) {
    return this.requests.verify(caller, anchors);
  }
}

async function* toJsonLines(events: AsyncIterable<AuditDocument>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`;
}

async function* toCsv(events: AsyncIterable<AuditDocument>): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  for await (const event of events) yield csvLine(COLUMNS.map((column) => event[column]));
}
