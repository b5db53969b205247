import { Controller, Get, Header, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { Answers, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { notFound } from '../problems/problem.js';
import { FleetService } from './fleet.service.js';
import { regionListSchema } from './fleet.schemas.js';

@tagged('Regions', 'Where databases live')
@Controller('v1/regions')
export class RegionsController {
  constructor(private readonly fleet: FleetService, @Inject(ENGINE) private readonly engine: Engine) {}

  @Get()
  @Takes('region.list')
  @ApiOperation({ operationId: 'listRegions', summary: 'List the regions', description: 'Needs no key.' })
  @Answers(200, regionListSchema, 'All regions')
  async list() {
    return { data: await this.fleet.regions(), nextCursor: null };
  }

  @Get(':id/ca.pem')
  @Takes('region.read-ca')
  @Header('Content-Type', 'application/x-pem-file')
  @ApiOperation({
    operationId: 'getRegionCa', summary: "Read the CA of a region's server certificates",
    description: 'Needs no key. For `sslrootcert`.',
  })
  @ApiResponse({ status: 200, description: 'The certificate', content: { 'application/x-pem-file': { schema: { type: 'string' } } } })
  async certificate(@Param('id') id: string): Promise<string> {
    if (!(await this.fleet.regions()).some((region) => region.id === id)) throw notFound();
    return this.engine.gateway.certificateAuthority(id);
  }
}
