import { Body, Controller, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { audit } from '../changes/audit.js';
import { ChangesService } from '../changes/changes.service.js';
import { requirePermission } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { send } from '../http/send.js';
import { FleetService } from '../fleet/fleet.service.js';
import { endTransactionsAfterMinutes } from '../databases/database.schemas.js';
import { Metadata } from '../metadata/metadata.js';
import { RequestsService } from '../changes/requests.service.js';
import { notFound } from '../problems/problem.js';
import { RelocationService, type Vacating } from './relocation.service.js';
import { movePlanAnswerSchema } from './relocation.schemas.js';
import { operationAnswerSchema } from '../http/operation.schemas.js';
import { hostSchema } from '../fleet/fleet.schemas.js';

const planQuery = z.object({ plan: z.enum(['true', 'false']).default('false').transform((text) => text === 'true') });
type PlanQuery = z.output<typeof planQuery>;
const lostSchema = z.strictObject({
  acceptDataLoss: z.boolean().default(false).meta({ description: 'Whether a standby that is not in sync may take over: what it has not received is lost' }),
}).prefault({});
type LostBody = z.output<typeof lostSchema>;
const drainSchema = z.strictObject({ endTransactionsAfterMinutes }).prefault({});
type DrainBody = z.output<typeof drainSchema>;

type How = Pick<Vacating, 'state' | 'acceptDataLoss' | 'endTransactionsAfterMinutes'>;

const LOST_DESCRIPTION = 'Its primaries fail over at once, in parallel; databases of which nothing is left elsewhere are restored from the nearest backup site; '
  + 'standbys are made anew elsewhere. Its report tells what each database was down for and what it may have lost. With `?plan=true` it answers what would happen, and does nothing. For operators.';

@ApiTags('Hosts')
@Controller('v1')
export class RelocationController {
  constructor(
    private readonly relocation: RelocationService,
    private readonly fleet: FleetService,
    private readonly requests: RequestsService,
    private readonly changes: ChangesService,
    private readonly metadata: Metadata,
  ) {}

  @Post('hosts/:id/drain')
  @Takes('vacate.draining')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'drainHost', summary: 'Move everything away from a host', description: 'By switchovers and new standbys, a few at a time. A switchover waits, with nobody held up, until no transaction is open for long; the step `move` tells which are waited for. With `?plan=true` it answers what would move, and moves nothing. For operators.' })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async drain(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: drainSchema }) body: DrainBody, @Query({ schema: planQuery }) { plan }: PlanQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.vacateHost(caller, id, { state: 'draining', acceptDataLoss: false, ...body }, plan, response);
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
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: lostSchema }) { acceptDataLoss }: LostBody, @Query({ schema: planQuery }) { plan }: PlanQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.vacateHost(caller, id, { state: 'lost', acceptDataLoss }, plan, response);
  }

  @Post('hosts/:id/undrain')
  @Takes('host.undrain')
  @HttpCode(200)
  @Repeatable()
  @ApiOperation({ operationId: 'undrainHost', summary: 'Use a host again', description: 'Takes a drain back; what has moved stays where it is. For operators.' })
  @Answers(200, hostSchema, 'The host')
  @Problems('forbidden')
  async undrain(@CurrentCaller() caller: Caller, @Param('id') id: string, @Res({ passthrough: true }) response: Response) {
    requirePermission(caller.actor, 'host.undrain');
    return send(response, await this.changes.change(caller, async (tx) => {
      const host = await this.relocation.undrain(tx, id);
      if (!host) throw notFound();
      await audit(tx, caller, { action: 'host.undrain', subjectId: id, customerId: null });
      return { status: 200, body: host };
    }));
  }

  @Post('data-centers/:id/evacuate')
  @Takes('vacate.draining')
  @HttpCode(202)
  @Repeatable()
  @ApiOperation({ operationId: 'evacuateDataCenter', summary: 'Move everything away from a data centre', description: 'Drains all its hosts, as a drain of each does. With `?plan=true` it answers what would move, and moves nothing. For operators.' })
  @Answers(200, movePlanAnswerSchema, 'The plan')
  @Answers(202, operationAnswerSchema, 'The operation')
  @Problems('forbidden', 'operation-in-progress')
  async evacuate(
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: drainSchema }) body: DrainBody, @Query({ schema: planQuery }) { plan }: PlanQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.vacateDataCenter(caller, id, { state: 'draining', acceptDataLoss: false, ...body }, plan, response);
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
    @CurrentCaller() caller: Caller, @Param('id') id: string, @Body({ schema: lostSchema }) { acceptDataLoss }: LostBody, @Query({ schema: planQuery }) { plan }: PlanQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.vacateDataCenter(caller, id, { state: 'lost', acceptDataLoss }, plan, response);
  }

  private async vacateDataCenter(caller: Caller, id: string, how: How, plan: boolean, response: Response) {
    requirePermission(caller.actor, `vacate.${how.state}`);
    const hosts = await this.fleet.hostsOfDataCenter(this.metadata.dataSource.manager, id);
    if (hosts.length === 0) throw notFound();
    return this.vacate(caller, { subjectId: id, hostIds: hosts.map((host) => host.id), ...how }, plan, response);
  }

  private async vacateHost(caller: Caller, id: string, how: How, plan: boolean, response: Response) {
    requirePermission(caller.actor, `vacate.${how.state}`);
    if (!(await this.fleet.host(id))) throw notFound();
    return this.vacate(caller, { subjectId: id, hostIds: [id], ...how }, plan, response);
  }

  private async vacate(caller: Caller, vacating: Vacating, plan: boolean, response: Response) {
    const { subjectId, hostIds, state, acceptDataLoss, endTransactionsAfterMinutes } = vacating;
    if (plan) {
      response.status(200);
      return { plan: await this.relocation.plan(hostIds, state === 'lost') };
    }
    return send(response, await this.requests.request(caller, async (tx) => {
      const operation = await this.relocation.vacate(tx, vacating, { id: caller.actor.id, requestId: caller.requestId });
      await audit(tx, caller, { action: `vacate.${state}`, subjectId, customerId: null, detail: { hostIds, acceptDataLoss, endTransactionsAfterMinutes } });
      return { status: 202, body: { operation }, operation };
    }));
  }
}
