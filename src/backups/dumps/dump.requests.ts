import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { askerOf, type Caller } from '../../changes/caller.js';
import { type Answered, Changes } from '../../changes/changes.js';
import { DatabaseRequests } from '../../databases/database.requests.js';
import type { DatabaseDocument } from '../../databases/database.schemas.js';
import { DatabasesService } from '../../databases/databases.service.js';
import { EVERYTHING } from '../../metadata/reach.js';
import { notFound } from '../../problems/problem.js';
import type { DumpLinkBody } from './dump-link.schemas.js';
import { type DumpLink, DumpLinksService } from './dump-links.service.js';
import { DumpsService } from './dumps.service.js';

/** A dump that can be begun; nothing is sent before. */
export interface ReadyDump {
  /** What the file is called, without its ending. */
  readonly name: string;
  /** Answers once the first bytes are there; the signal ends it. */
  readonly begin: (gone: AbortSignal) => Promise<Readable>;
}

/** What is asked of dumps. */
@Injectable()
export class DumpRequests {
  constructor(
    private readonly changes: Changes,
    private readonly requests: DatabaseRequests,
    private readonly databases: DatabasesService,
    private readonly dumps: DumpsService,
    private readonly links: DumpLinksService,
  ) {}

  /** @param named a database of the instance; that of the endpoint if it is left out */
  async dump(caller: Caller, id: string, named: string | undefined): Promise<ReadyDump> {
    const change = { action: 'database.dump', subject: this.requests.document(id) } as const;
    const database = await this.changes.admit(caller, change);
    const begin = async (gone: AbortSignal): Promise<Readable> => {
      const stream = await this.dumps.open(database, gone, named);
      await this.changes.note(caller, change, database, { ...(named !== undefined && { database: named }) });
      return stream;
    };
    return { name: named === undefined ? database.name : `${database.name}-${named}`, begin };
  }

  /** Makes a link by which a dump is downloaded once. */
  makeLink(
    caller: Caller, id: string, input: DumpLinkBody, toUrl: (token: string) => string,
  ): Promise<Answered<{ url: string; expiresAt: string }>> {
    const change = { action: 'database.dump-link', subject: this.requests.document(id), input } as const;
    return this.changes.change(caller, change, async (tx, database) => {
      this.dumps.requireDumpable(database);
      const { token, expiresAt } = await this.links.create(tx, { databaseId: id, credentialId: askerOf(caller).id }, input.validForSeconds);
      return { body: { url: toUrl(token), expiresAt: expiresAt.toISOString() }, detail: { expiresAt } };
    });
  }

  /** What a link that can still be used leads to; it is not used up. */
  async checkLink(token: string): Promise<{ readonly name: string }> {
    const link = await this.links.find(token);
    if (!link) throw notFound();
    return this.read(link);
  }

  /** Uses a link up; one by which nothing was sent can be used again. */
  async useLink(from: Pick<Caller, 'requestId' | 'address'>, token: string): Promise<ReadyDump> {
    const link = await this.links.take(token);
    if (!link) throw notFound();
    const giveBack = async (error: unknown): Promise<never> => {
      await this.links.giveBack(token);
      throw error;
    };
    const database = await this.read(link).catch(giveBack);
    const begin = (gone: AbortSignal): Promise<Readable> => this.beginByLink(from, link, database, gone).catch(giveBack);
    return { name: database.name, begin };
  }

  /** Whoever made the link dumps by it: its key was asked for the permission. */
  private async beginByLink(
    from: Pick<Caller, 'requestId' | 'address'>, { credentialId }: DumpLink, database: DatabaseDocument, gone: AbortSignal,
  ): Promise<Readable> {
    const stream = await this.dumps.open(database, gone);
    const caller: Caller = { ...from, actor: { type: 'api-key', id: credentialId, name: 'a link', scopes: [] } };
    await this.changes.note(caller, { action: 'database.dump', subject: this.requests.document(database.id) }, database, { by: 'link' });
    return stream;
  }

  private async read({ databaseId }: DumpLink): Promise<DatabaseDocument> {
    const database = await this.databases.find(EVERYTHING, databaseId);
    if (!database) throw notFound();
    return database;
  }
}
