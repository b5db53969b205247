import { Body, Controller, Get, Head, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Caller } from '../../changes/caller.js';
import type { Settings } from '../../config/settings.js';
import { SETTINGS } from '../../config/settings-token.js';
import { idParameter } from '../../http/id-parameter.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../../http/route.js';
import { tagged } from '../../http/tags.js';
import { dumpLinkAnswerSchema, type DumpLinkBody, dumpLinkSchema } from './dump-link.schemas.js';
import { DumpRequests } from './dump.requests.js';
import { DumpsService } from './dumps.service.js';
import { sendDump, setDumpHeaders } from './send-dump.js';

@tagged('Backups', 'What outlives everything else')
@Controller('v1')
export class DumpLinksController {
  constructor(
    private readonly requests: DumpRequests,
    private readonly dumps: DumpsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post('databases/:id/dump-links')
  @Takes('database.dump-link')
  @HttpCode(201)
  @Repeatable()
  @ApiOperation({
    operationId: 'createDumpLink', summary: 'Make a link to download a dump once',
    description: 'For a browser, which sends no key. It ends with its time, with its use, and with the key that made it.',
  })
  @Problems('forbidden', 'database-not-available')
  @Answers(201, dumpLinkAnswerSchema, 'The link')
  create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: dumpLinkSchema }) body: DumpLinkBody,
    @Req() request: Request,
  ) {
    const base = this.settings.FREEHOLD_PUBLIC_URL?.replace(/\/+$/, '') ?? `${request.protocol}://${request.get('host')}`;
    return this.requests.makeLink(caller, id, body, (token) => `${base}/v1/dump-links/${token}`);
  }

  /** What looks ahead, as programs for chat do, does not use the link up. */
  @Head('dump-links/:token')
  @Takes('dump-link.check')
  @ApiOperation({
    operationId: 'checkDumpLink', summary: 'See whether a link to a dump can be used',
    description: 'It is not used up by this.',
  })
  @ApiResponse({ status: 200, description: 'It can be used' })
  @Problems('not-found')
  async check(@Param('token') token: string, @Res() response: Response): Promise<void> {
    const { name } = await this.requests.checkLink(token);
    keepToOneself(response);
    setDumpHeaders(response, name);
    response.end();
  }

  @Get('dump-links/:token')
  @Takes('dump-link.use')
  @ApiOperation({
    operationId: 'useDumpLink', summary: 'Download a dump by a link',
    description: 'Once; a link by which nothing was sent can be used again. A dump that fails midway aborts the connection and never ends '
      + 'cleanly; a whole one ends with the trailer `Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, '
      + 'and so is one that is not done after twelve hours.',
  })
  @Problems('not-found', 'database-not-available', 'too-many-dumps', 'not-possible', 'unavailable')
  @ApiResponse({
    status: 200, description: 'The archive', content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  async use(@Param('token') token: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { name, begin } = await this.requests.useLink({ requestId: request.id, address: request.ip ?? null }, token);
    keepToOneself(response);
    await sendDump(response, name, this.dumps.limits, begin);
  }
}

/** Neither the file nor the address that it came from is kept or passed on. */
function keepToOneself(response: Response): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'no-referrer');
}
