import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { pageOf } from '../http/paging.js';
import { Answers, CurrentCaller, KnownCaller, KnowsCaller, Problems, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { UptimeRequests } from './uptime.requests.js';
import {
  outageFilterSchema, outageListSchema, type OutageQuery, reportQuerySchema, slaReportSchema, type UptimeQuery, uptimeQuerySchema,
  uptimeSchema,
} from './uptime.schemas.js';

@tagged('Uptime', 'What was promised, and what was measured')
@Controller('v1')
export class UptimeController {
  constructor(private readonly requests: UptimeRequests) {}

  @Get('uptime')
  @Takes('uptime.read')
  @KnowsCaller()
  @ApiOperation({
    operationId: 'getUptime', summary: 'See how long the platform, a region or a database was up in a month',
    description: 'Needs no key for the platform and its regions; for a database, one that can see it.',
  })
  @Problems('missing-api-key', 'not-found')
  @Answers(200, uptimeSchema, 'What was measured, and what is left of the error budgets')
  uptime(@KnownCaller() caller: Caller | undefined, @Query({ schema: uptimeQuerySchema }) query: UptimeQuery) {
    return this.requests.read(caller, query);
  }

  @Get('outages')
  @Takes('outage.list')
  @ApiOperation({
    operationId: 'listOutages', summary: 'List outages, those that were found last first',
    description: 'Of the databases that the key can see.',
  })
  @Problems('not-found')
  @Answers(200, outageListSchema, 'A page of outages')
  outages(@CurrentCaller() caller: Caller, @Query({ schema: outageFilterSchema }) query: OutageQuery) {
    return pageOf(query, (limit, before) => this.requests.listOutages(caller, query, { limit, before }), (outage) => outage);
  }

  @Get('customers/:id/sla-report')
  @Takes('sla-report.read')
  @ApiOperation({
    operationId: 'getSlaReport', summary: 'Read what was promised to a customer for a month, and what was measured',
    description: 'With each database and each outage.',
  })
  @Answers(200, slaReportSchema, 'The report')
  report(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('customer')) id: string,
    @Query({ schema: reportQuerySchema }) { month }: z.output<typeof reportQuerySchema>,
  ) {
    return this.requests.report(caller, id, month);
  }
}
