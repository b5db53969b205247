import { Body, Controller, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Caller } from '../changes/caller.js';
import { hostSchema } from '../fleet/fleet.schemas.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { RelocationRequests, type Vacate } from './relocation.requests.js';
import {
  type DrainBody, drainSchema, type LostBody, lostSchema, movePlanAnswerSchema, type PlanQuery, planQuerySchema,
} from './relocation.schemas.js';

const LOST_DESCRIPTION = 'Its primaries fail over at once, in parallel; databases of which nothing is left elsewhere are restored from the '
  + 'nearest backup site; standbys are made anew elsewhere. Its report tells what each database was down for and what it may have '
  + 'lost. With `?plan=true` it answers what would happen, and does nothing. For operators.';

@tagged('Hosts', 'The machines, for operators')
@Controller('v1')
export class RelocationController {
  constructor(private readonly requests: RelocationRequests) {}

  @Post('hosts/:id/drain')
  @Takes('vacate.draining')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'drainHost', summary: 'Move everything away from a host',
    description: 'By switchovers and new standbys, a few at a time. A switchover waits, with nobody held up, until no transaction is open '
      + 'for long; the step `move` tells which are waited for. With `?plan=true` it answers what would move, and moves nothing. '
      + 'For operators.',
  })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async drain(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: drainSchema }) body: DrainBody,
    @Query({ schema: planQuerySchema }) { plan }: PlanQuery, @Res({ passthrough: true }) response: Response,
  ) {
    const how: Vacate = { state: 'draining', acceptDataLoss: false, ...body };
    if (!plan) return this.requests.vacateHost(caller, id, how);
    response.status(200);
    return { plan: await this.requests.planHost(caller, id, how) };
  }

  @Post('hosts/:id/lost')
  @Takes('vacate.lost')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'loseHost', summary: 'Declare a host lost', description: LOST_DESCRIPTION })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async lost(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: lostSchema }) body: LostBody,
    @Query({ schema: planQuerySchema }) { plan }: PlanQuery, @Res({ passthrough: true }) response: Response,
  ) {
    const how: Vacate = { state: 'lost', ...body };
    if (!plan) return this.requests.vacateHost(caller, id, how);
    response.status(200);
    return { plan: await this.requests.planHost(caller, id, how) };
  }

  @Post('hosts/:id/undrain')
  @Takes('host.undrain')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({
    operationId: 'undrainHost', summary: 'Use a host again',
    description: 'Takes a drain back; what has moved stays where it is. For operators.',
  })
  @Answers(200, hostSchema, 'The host')
  @Problems('forbidden')
  undrain(@CurrentCaller() caller: Caller, @Param('id') id: string) {
    return this.requests.undrain(caller, id);
  }

  @Post('data-centers/:id/evacuate')
  @Takes('vacate.draining')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({
    operationId: 'evacuateDataCenter', summary: 'Move everything away from a data centre',
    description: 'Drains all its hosts, as a drain of each does. With `?plan=true` it answers what would move, '
      + 'and moves nothing. For operators.',
  })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async evacuate(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: drainSchema }) body: DrainBody,
    @Query({ schema: planQuerySchema }) { plan }: PlanQuery, @Res({ passthrough: true }) response: Response,
  ) {
    const how: Vacate = { state: 'draining', acceptDataLoss: false, ...body };
    if (!plan) return this.requests.vacateDataCenter(caller, id, how);
    response.status(200);
    return { plan: await this.requests.planDataCenter(caller, id, how) };
  }

  @Post('data-centers/:id/lost')
  @Takes('vacate.lost')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'loseDataCenter', summary: 'Declare a data centre lost for good', description: LOST_DESCRIPTION })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async lostDataCenter(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: lostSchema }) body: LostBody,
    @Query({ schema: planQuerySchema }) { plan }: PlanQuery, @Res({ passthrough: true }) response: Response,
  ) {
    const how: Vacate = { state: 'lost', ...body };
    if (!plan) return this.requests.vacateDataCenter(caller, id, how);
    response.status(200);
    return { plan: await this.requests.planDataCenter(caller, id, how) };
  }
}
