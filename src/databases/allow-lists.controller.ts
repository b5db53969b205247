import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { Answers, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { AllowListRequests } from './allow-list.requests.js';
import { allowListSchema, type NewAllowListBody, newAllowListSchema } from './allow-list.schemas.js';

@tagged('Databases', 'A PostgreSQL of their own')
@Controller('v1/databases/:id/allow-list')
export class AllowListsController {
  constructor(private readonly requests: AllowListRequests) {}

  @Get()
  @Takes('allow-list.read')
  @ApiOperation({
    operationId: 'getAllowList', summary: 'From where clients may connect',
    description: 'The networks from which the endpoints let clients in. A new database lets everybody come.',
  })
  @Answers(200, allowListSchema, 'The networks')
  get(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    return this.requests.read(caller, id);
  }

  @Put()
  @Takes('allow-list.set')
  @Repeatable()
  @Example({ cidrs: ['192.0.2.0/24', '2001:db8::/32'] })
  @ApiOperation({
    operationId: 'setAllowList', summary: 'Say from where clients may connect',
    description: 'Answers once the endpoints let nobody else in. Sessions from other addresses are cut; all others go on.',
  })
  @Problems('forbidden', 'database-not-available', 'operation-in-progress', 'operation-failed', 'unavailable')
  @Answers(200, allowListSchema, 'The networks, as they are written down')
  set(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Body({ schema: newAllowListSchema }) body: NewAllowListBody,
  ) {
    return this.requests.set(caller, id, body);
  }
}
