import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { audit } from '../../changes/audit.js';
import { idParameter } from '../../http/id-parameter.js';
import { admit } from '../../access/permission.js';
import type { Caller } from '../../changes/caller.js';
import { CurrentCaller, Problems, Takes } from '../../http/route.js';
import { DatabasesService } from '../../databases/databases.service.js';
import { Metadata } from '../../metadata/metadata.js';
import { type DumpQuery, dumpQuerySchema } from './dump.schemas.js';
import { DumpsService } from './dumps.service.js';
import { sendDump } from './send-dump.js';

@ApiTags('Backups')
@Controller('v1/databases/:id/dump')
export class DumpsController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly dumps: DumpsService,
    private readonly metadata: Metadata,
  ) {}

  @Get()
  @Takes('database.dump')
  @ApiOperation({
    operationId: 'dumpDatabase', summary: 'Download a dump of the live data', description: 'A custom-format archive for pg_restore, of one database of the instance: that of the endpoint unless `database` names another. A dump that fails midway aborts the connection and never ends cleanly; a whole one ends with the trailer `Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, and so is one that is not done after twelve hours.',
  })
  @Problems('forbidden', 'database-not-available', 'too-many-dumps', 'not-possible', 'unavailable')
  @ApiResponse({ status: 200, description: 'The archive', content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } })
  async dump(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Query({ schema: dumpQuerySchema }) { database: named }: DumpQuery, @Res() response: Response,
  ): Promise<void> {
    const database = await admit(caller.actor, 'database.dump', (reach) => this.databases.find(reach, id));
    await sendDump(response, named === undefined ? database.name : `${database.name}-${named}`, this.dumps.limits, async (gone) => {
      const stream = await this.dumps.open(database, gone, named);
      await this.metadata.transaction((tx) => audit(tx, caller, { action: 'database.dump', subjectId: id, customerId: database.customerId, detail: { ...(named !== undefined && { database: named }) } }));
      return stream;
    });
  }
}
