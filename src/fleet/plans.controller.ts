import { Controller, Get } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import { Answers, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { mostClients, pooledSessions } from '../engine/connection-shares.js';
import { PLANS } from './plans.js';
import { planListSchema } from './fleet.schemas.js';

@tagged('Plans', 'What a customer buys')
@Controller('v1/plans')
export class PlansController {
  @Get()
  @Takes('plan.list')
  @ApiOperation({ operationId: 'listPlans', summary: 'List the plans', description: 'Sizes, standbys and limits. Needs no key.' })
  @Answers(200, planListSchema, 'All plans')
  list() {
    const data = Object.values(PLANS).map((plan) => ({
      ...plan, pooledConnections: pooledSessions(plan.maxConnections), pooledClients: mostClients(plan.maxConnections),
    }));
    return { data, nextCursor: null };
  }
}
