import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Page, pageOf, pageSchema } from './paging.js';
import { requirePermission } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Takes } from './route.js';
import { Metadata } from '../metadata/metadata.js';
import { listAlerts } from '../operations/alerts.js';
import { alertListSchema } from './operation.schemas.js';

@ApiTags('Alerts')
@Controller('v1/alerts')
export class AlertsController {
  constructor(private readonly metadata: Metadata) {}

  @Get()
  @Takes('alert.list')
  @ApiOperation({ operationId: 'listAlerts', summary: 'List alerts, open ones first', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, alertListSchema, 'A page of alerts')
  list(@CurrentCaller() { actor }: Caller, @Query({ schema: pageSchema }) page: Page) {
    requirePermission(actor, 'alert.list');
    return pageOf(page, (limit, before) => listAlerts(this.metadata.dataSource.manager, { limit, before }), (alert) => alert);
  }
}
