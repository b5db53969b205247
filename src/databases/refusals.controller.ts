import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { Answers, CurrentCaller, Problems, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { RefusalRequests } from './refusal.requests.js';
import { refusalListSchema } from './refusal.schemas.js';

@tagged('Databases', 'A PostgreSQL of their own')
@Controller('v1/databases/:id/refusals')
export class RefusalsController {
  constructor(private readonly requests: RefusalRequests) {}

  @Get()
  @Takes('database.read')
  @ApiOperation({
    operationId: 'listRefusals', summary: 'Why clients are refused',
    description: 'Connections to `uri` and `readOnlyUri` that were refused before PostgreSQL heard of them, by reason, and those to '
      + '`pooledUri` that came from where nobody may. Of anything else the pooler, and PostgreSQL, tell clients themselves.',
  })
  @Problems('database-not-available', 'unavailable')
  @Answers(200, refusalListSchema, 'Each reason that occurred, the most frequent first')
  list(@CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string) {
    return this.requests.list(caller, id);
  }
}
