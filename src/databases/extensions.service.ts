import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ENGINE } from '../engine/engine-token.js';
import { EXTENSION_LIST, ruleOf } from '../engine/extension-list.js';
import type { Engine } from '../engine/ports.js';
import type { OperationDocument } from '../operations/operation.js';
import { ExtensionRefusedError } from './database-errors.js';
import { MetadataDatabaseRecords, primaryOf } from './database-records.js';
import { type DatabaseRequest, DatabasesService } from './databases.service.js';
import type { ExtensionDocument } from './extension.schemas.js';
import { CREATE_EXTENSION } from './operations/create-extension.operation.js';
import { DROP_EXTENSION } from './operations/drop-extension.operation.js';

/** The extensions of a customer's database. */
@Injectable()
export class ExtensionsService {
  constructor(
    private readonly databases: DatabasesService,
    private readonly records: MetadataDatabaseRecords,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  /**
   * Asks the primary which extensions there are, and tells what holds for each.
   *
   * @throws EngineError if it does not answer
   */
  async list(databaseId: string, signal: AbortSignal): Promise<ExtensionDocument[]> {
    const found = await this.engine.instances.observeExtensions(primaryOf(await this.records.read(databaseId)).ref, signal);
    return found.map(({ trusted, ...extension }) => {
      const { access, why, requires } = ruleOf(extension.name, trusted);
      return { ...extension, access, why, requires: [...(requires ?? [])] };
    });
  }

  /**
   * Asks for an extension to be made. Of an extension that is not listed only the server knows whether it is the owner's to make.
   *
   * @throws ExtensionRefusedError, DatabaseNotAvailableError
   */
  async create(
    tx: EntityManager, request: DatabaseRequest & { readonly name: string; readonly schema: string },
  ): Promise<OperationDocument> {
    const { name, schema } = request;
    const rule = EXTENSION_LIST[name];
    if (rule?.access === 'refused') throw new ExtensionRefusedError(name, rule.why);
    return this.databases.requestChange(tx, request, CREATE_EXTENSION, { name, schema });
  }

  /** Asks for an extension to be taken away. */
  async drop(tx: EntityManager, request: DatabaseRequest & { readonly name: string }): Promise<OperationDocument> {
    const { name } = request;
    if (EXTENSION_LIST[name]?.access === 'present') throw new ExtensionRefusedError(name, 'it is in every database and stays there');
    return this.databases.requestChange(tx, request, DROP_EXTENSION, { name });
  }
}
