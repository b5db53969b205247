import { Injectable } from '@nestjs/common';
import { askerOf, type Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { DatabaseRequests, type OperationAnswer } from './database.requests.js';
import type { ExtensionDocument, NewExtensionBody } from './extension.schemas.js';
import { ExtensionsService } from './extensions.service.js';
import { requireInstances } from './require-instances.js';

/** How long a caller is kept waiting for a primary that may not answer. */
const LOOK_TIMEOUT_MS = 5_000;

/** What is asked of the extensions of a database. */
@Injectable()
export class ExtensionRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabaseRequests,
    private readonly extensions: ExtensionsService,
  ) {}

  /** All that the server has, by name. */
  async list(caller: Caller, id: string): Promise<ExtensionDocument[]> {
    requireInstances(await this.changes.admitReader(caller, 'extension.list', this.databases.document(id)));
    return this.extensions.list(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
  }

  create(caller: Caller, id: string, input: NewExtensionBody): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'extension.create', subject: this.databases.owned(id), input }, async (tx) => {
      const operation = await this.extensions.create(tx, { id, asker: askerOf(caller), ...input });
      return { body: { operation }, operation, detail: input };
    });
  }

  drop(caller: Caller, id: string, name: string): Promise<Answered<OperationAnswer>> {
    const input = { name };
    return this.changes.change(caller, { action: 'extension.drop', subject: this.databases.owned(id), input }, async (tx) => {
      const operation = await this.extensions.drop(tx, { id, asker: askerOf(caller), name });
      return { body: { operation }, operation, detail: input };
    });
  }
}
