import { Body, Controller, Get, Head, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { audit } from '../../changes/audit.js';
import { ChangesService } from '../../changes/changes.service.js';
import { idParameter } from '../../http/id-parameter.js';
import { admit } from '../../access/permission.js';
import type { Caller } from '../../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../../http/route.js';
import { send } from '../../http/send.js';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { DatabasesService } from '../../databases/databases.service.js';
import type { DatabaseDocument } from '../../databases/database.schemas.js';
import { Metadata } from '../../metadata/metadata.js';
import { EVERYTHING } from '../../metadata/reach.js';
import { notFound } from '../../problems/problem.js';
import { dumpLinkAnswerSchema, type DumpLinkBody, dumpLinkSchema } from './dump-link.schemas.js';
import { type DumpLink, DumpLinksService } from './dump-links.service.js';
import { DumpsService } from './dumps.service.js';
import { sendDump, setDumpHeaders } from './send-dump.js';

@ApiTags('Backups')
@Controller('v1')
export class DumpLinksController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly dumps: DumpsService,
    private readonly links: DumpLinksService,
    private readonly changes: ChangesService,
    private readonly metadata: Metadata,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post('databases/:id/dump-links')
  @Takes('database.dump-link')
  @HttpCode(201)
  @Repeatable()
  @ApiOperation({ operationId: 'createDumpLink', summary: 'Make a link to download a dump once', description: 'For a browser, which sends no key. It ends with its time, with its use, and with the key that made it.' })
  @Problems('forbidden', 'database-not-available')
  @Answers(201, dumpLinkAnswerSchema, 'The link')
  async create(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('database')) id: string, @Body({ schema: dumpLinkSchema }) { validForSeconds }: DumpLinkBody,
    @Req() request: Request, @Res({ passthrough: true }) response: Response,
  ) {
    const database = await admit(caller.actor, 'database.dump-link', (reach) => this.databases.find(reach, id));
    this.dumps.requireDumpable(database);
    return send(response, await this.changes.change(caller, async (tx) => {
      const { token, expiresAt } = await this.links.create(tx, { databaseId: id, credentialId: caller.actor.id }, validForSeconds);
      await audit(tx, caller, { action: 'database.dump-link', subjectId: id, customerId: database.customerId, detail: { expiresAt } });
      const base = this.settings.FREEHOLD_PUBLIC_URL?.replace(/\/+$/, '') ?? `${request.protocol}://${request.get('host')}`;
      return { status: 201, body: { url: `${base}/v1/dump-links/${token}`, expiresAt: expiresAt.toISOString() } };
    }));
  }

  /** What looks ahead, as programs for chat do, does not use the link up. */
  @Head('dump-links/:token')
  @Takes('dump-link.check')
  @ApiOperation({ operationId: 'checkDumpLink', summary: 'See whether a link to a dump can be used', description: 'It is not used up by this.' })
  @ApiResponse({ status: 200, description: 'It can be used' })
  @Problems('not-found')
  async check(@Param('token') token: string, @Res() response: Response): Promise<void> {
    const link = await this.links.find(token);
    if (!link) throw notFound();
    keepToOneself(response);
    setDumpHeaders(response, (await this.read(link)).name);
    response.end();
  }

  @Get('dump-links/:token')
  @Takes('dump-link.use')
  @ApiOperation({ operationId: 'useDumpLink', summary: 'Download a dump by a link', description: 'Once; a link by which nothing was sent can be used again. A dump that fails midway aborts the connection and never ends cleanly; a whole one ends with the trailer `Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, and so is one that is not done after twelve hours.' })
  @Problems('not-found', 'database-not-available', 'too-many-dumps', 'not-possible', 'unavailable')
  @ApiResponse({ status: 200, description: 'The archive', content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } })
  async use(@Param('token') token: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const link = await this.links.take(token);
    if (!link) throw notFound();
    keepToOneself(response);
    const { name, begin } = await this.prepare(link, request.id).catch((error: unknown) => this.giveBack(token, error));
    await sendDump(response, name, this.dumps.limits, (gone) => begin(gone).catch((error: unknown) => this.giveBack(token, error)));
  }

  private async prepare(link: DumpLink, requestId: string) {
    const database = await this.read(link);
    const begin = async (gone: AbortSignal) => {
      const stream = await this.dumps.open(database, gone);
      const by = { actor: { id: link.credentialId }, requestId };
      await this.metadata.transaction((tx) => audit(tx, by, { action: 'database.dump', subjectId: database.id, customerId: database.customerId, detail: { by: 'link' } }));
      return stream;
    };
    return { name: database.name, begin };
  }

  private async giveBack(token: string, error: unknown): Promise<never> {
    await this.links.giveBack(token);
    throw error;
  }

  private async read({ databaseId }: DumpLink): Promise<DatabaseDocument> {
    const database = await this.databases.find(EVERYTHING, databaseId);
    if (!database) throw notFound();
    return database;
  }
}

/** Neither the file nor the address that it came from is kept or passed on. */
function keepToOneself(response: Response): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'no-referrer');
}
