import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { requirePermission } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Takes } from '../http/route.js';
import { notFound } from '../problems/problem.js';
import { FleetService, type HostDocument } from './fleet.service.js';
import { hostListSchema, hostSchema } from './fleet.schemas.js';

@ApiTags('Hosts')
@Controller('v1/hosts')
export class HostsController {
  constructor(private readonly fleet: FleetService) {}

  @Get()
  @Takes('host.list')
  @ApiOperation({ operationId: 'listHosts', summary: 'List the hosts', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, hostListSchema, 'All hosts')
  async list(@CurrentCaller() { actor }: Caller) {
    requirePermission(actor, 'host.list');
    return { data: await this.fleet.hosts(), nextCursor: null };
  }

  @Get(':id')
  @Takes('host.read')
  @ApiOperation({ operationId: 'getHost', summary: 'Read a host', description: 'For operators.' })
  @Problems('forbidden')
  @Answers(200, hostSchema, 'The host')
  async get(@CurrentCaller() { actor }: Caller, @Param('id') id: string): Promise<HostDocument> {
    requirePermission(actor, 'host.read');
    const host = await this.fleet.host(id);
    if (!host) throw notFound();
    return host;
  }
}
