import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Caller } from '../../changes/caller.js';
import { idParameter } from '../../http/id-parameter.js';
import { CurrentCaller, Problems, Takes } from '../../http/route.js';
import { tagged } from '../../http/tags.js';
import { DumpRequests } from './dump.requests.js';
import { type DumpQuery, dumpQuerySchema } from './dump.schemas.js';
import { DumpsService } from './dumps.service.js';
import { sendDump } from './send-dump.js';

@tagged('Backups', 'What outlives everything else')
@Controller('v1/databases/:id/dump')
export class DumpsController {
  constructor(private readonly requests: DumpRequests, private readonly dumps: DumpsService) {}

  @Get()
  @Takes('database.dump')
  @ApiOperation({
    operationId: 'dumpDatabase', summary: 'Download a dump of the live data',
    description: 'A custom-format archive for pg_restore, of one database of the instance: that of the endpoint unless `database` names '
      + 'another. A dump that fails midway aborts the connection and never ends cleanly; a whole one ends with the trailer '
      + '`Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, and so is '
      + 'one that is not done after twelve hours.',
  })
  @Problems('forbidden', 'database-not-available', 'too-many-dumps', 'not-possible', 'unavailable')
  @ApiResponse({
    status: 200, description: 'The archive', content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  async dump(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string,
    @Query({ schema: dumpQuerySchema }) { database }: DumpQuery, @Res() response: Response,
  ): Promise<void> {
    const { name, begin } = await this.requests.dump(caller, id, database);
    await sendDump(response, name, this.dumps.limits, begin);
  }
}
