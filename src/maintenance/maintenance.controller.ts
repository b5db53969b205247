import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { pageOf } from '../http/paging.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { MaintenanceRequests } from './maintenance.requests.js';
import {
  type NewWindowBody, newWindowSchema, type WindowFilter, windowFilterSchema, windowListSchema, windowSchema,
} from './maintenance.schemas.js';

@tagged('Maintenance', 'When operators may interrupt')
@Controller('v1/maintenance-windows')
export class MaintenanceController {
  constructor(private readonly requests: MaintenanceRequests) {}

  @Post()
  @Takes('maintenance-window.create')
  @HttpCode(201)
  @Repeatable()
  @Example({ region: 'europe', startsAt: '2026-12-05T02:00:00Z', endsAt: '2026-12-05T02:45:00Z', reason: 'PostgreSQL 15.12' })
  @ApiOperation({
    operationId: 'planMaintenance', summary: 'Plan a maintenance window',
    description: 'For a region or one of its hosts: at most an hour, 72 hours ahead, outside 08:00-20:00 on Monday to Friday in the '
      + 'region\'s own time zone, and the only one of the region within two months unless a reason is given. A time that is not '
      + 'allowed is refused with the nearest ones that are. For operators.',
  })
  @Problems('forbidden', 'unknown-region', 'unknown-host', 'window-not-allowed')
  @Answers(201, windowSchema, 'The window')
  plan(@CurrentCaller() caller: Caller, @Body({ schema: newWindowSchema }) body: NewWindowBody) {
    return this.requests.plan(caller, body);
  }

  @Get()
  @Takes('maintenance-window.list')
  @ApiOperation({ operationId: 'listMaintenance', summary: 'List maintenance windows, newest first', description: 'Needs no key.' })
  @Answers(200, windowListSchema, 'A page of windows')
  list(@Query({ schema: windowFilterSchema }) filter: WindowFilter) {
    const { region, state } = filter;
    return pageOf(filter, (limit, before) => this.requests.list({ limit, before, region, state }), (window) => window);
  }

  @Get(':id')
  @Takes('maintenance-window.read')
  @ApiOperation({ operationId: 'getMaintenance', summary: 'Read a maintenance window', description: 'Needs no key.' })
  @Answers(200, windowSchema, 'The window')
  get(@Param('id', idParameter('maintenanceWindow')) id: string) {
    return this.requests.read(id);
  }

  @Delete(':id')
  @Takes('maintenance-window.cancel')
  @Changes()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'cancelMaintenance', summary: 'Call a maintenance window off',
    description: 'One that runs ends at once. Repeating it answers the same. For operators.',
  })
  @Problems('forbidden', 'window-over')
  @Answers(200, windowSchema, 'The window, as it is now')
  cancel(@CurrentCaller() caller: Caller, @Param('id', idParameter('maintenanceWindow')) id: string) {
    return this.requests.cancel(caller, id);
  }
}
