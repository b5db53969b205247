import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { OperationRequests } from '../changes/operation.requests.js';
import { alertListSchema } from './operation.schemas.js';
import { type Page, pageOf, pageSchema } from './paging.js';
import { Answers, CurrentCaller, Problems, Takes } from './route.js';
import { tagged } from './tags.js';

@tagged('Alerts', 'What operators should know')
@Controller('v1/alerts')
export class AlertsController {
  constructor(private readonly requests: OperationRequests) {}

  @Get()
  @Takes('alert.list')
  @ApiOperation({ operationId: 'listAlerts', summary: 'List alerts, open ones first', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, alertListSchema, 'A page of alerts')
  list(@CurrentCaller() caller: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.requests.listAlerts(caller, { limit, before }), (alert) => alert);
  }
}
