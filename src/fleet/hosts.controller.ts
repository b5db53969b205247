import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { FleetRequests } from './fleet.requests.js';
import { hostListSchema, hostSchema } from './fleet.schemas.js';
import type { HostDocument } from './fleet.service.js';

@tagged('Hosts', 'The machines, for operators')
@Controller('v1/hosts')
export class HostsController {
  constructor(private readonly requests: FleetRequests) {}

  @Get()
  @Takes('host.list')
  @ApiOperation({ operationId: 'listHosts', summary: 'List the hosts', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, hostListSchema, 'All hosts')
  async list(@CurrentCaller() caller: Caller) {
    return { data: await this.requests.listHosts(caller), nextCursor: null };
  }

  @Get(':id')
  @Takes('host.read')
  @ApiOperation({ operationId: 'getHost', summary: 'Read a host', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, hostSchema, 'The host')
  get(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<HostDocument> {
    return this.requests.readHost(caller, id);
  }
}
