import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { requireScope } from '../access/actor.js';
import { Answers, type Caller, CurrentCaller, NeedsKey, Problems } from '../access/route.js';
import { notFound } from '../problems/problem.js';
import { FleetService, type HostDocument } from './fleet.service.js';

@ApiTags('Hosts')
@NeedsKey()
@Controller('v1/hosts')
export class HostsController {
  constructor(private readonly fleet: FleetService) {}

  @Get()
  @ApiOperation({ operationId: 'listHosts', summary: 'List the hosts', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, 'HostList', 'All hosts')
  async list(@CurrentCaller() { actor }: Caller) {
    requireScope(actor);
    return { data: await this.fleet.hosts(), nextCursor: null };
  }

  @Get(':id')
  @ApiOperation({ operationId: 'getHost', summary: 'Read a host', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, 'Host', 'The host')
  async get(@CurrentCaller() { actor }: Caller, @Param('id') id: string): Promise<HostDocument> {
    requireScope(actor);
    const host = await this.fleet.host(id);
    if (!host) throw notFound();
    return host;
  }
}
