import { Injectable } from '@nestjs/common';
import { reachOf } from '../access/actor.js';
import type { Subject } from '../access/subject.js';
import type { Slice } from '../metadata/slice.js';
import { Metadata } from '../metadata/metadata.js';
import { type AlertDocument, listAlerts } from '../operations/alerts.js';
import type { OperationDocument } from '../operations/operation.js';
import { type OperationFilter, OperationsService } from '../operations/operations.service.js';
import type { Caller } from './caller.js';
import { type Answered, Changes } from './changes.js';

/** What is asked of operations and of alerts. */
@Injectable()
export class OperationRequests {
  constructor(
    private readonly changes: Changes,
    private readonly operations: OperationsService,
    private readonly metadata: Metadata,
  ) {}

  async list(caller: Caller, filter: OperationFilter): Promise<OperationDocument[]> {
    return this.operations.list(await this.changes.reachFor(caller, 'operation.list'), filter);
  }

  read(caller: Caller, id: string): Promise<OperationDocument> {
    return this.changes.admitReader(caller, 'operation.read', this.subject(id));
  }

  /** The operation, of which the caller may be told of every change. */
  follow(caller: Caller, id: string): Promise<OperationDocument> {
    return this.changes.admitReader(caller, 'operation.follow', this.subject(id));
  }

  /** Events of an operation that the caller follows, after the one with that number, oldest first. */
  eventsAfter({ actor }: Caller, id: string, eventId: string): Promise<{ id: string; document: OperationDocument }[]> {
    return this.operations.eventsAfter(reachOf(actor), id, eventId);
  }

  retry(caller: Caller, id: string): Promise<Answered<{ operation: OperationDocument }>> {
    return this.changes.change(caller, { action: 'operation.retry', subject: this.subject(id) }, async (tx, { databaseId }) => {
      const operation = await this.operations.retry(tx, id);
      return { body: { operation }, operation, detail: { databaseId } };
    });
  }

  cancel(caller: Caller, id: string): Promise<Answered<{ operation: OperationDocument }>> {
    return this.changes.change(caller, { action: 'operation.cancel', subject: this.subject(id) }, async (tx, { databaseId }) => {
      const operation = await this.operations.cancel(tx, id, caller.actor.id);
      return { body: { operation }, operation, detail: { databaseId } };
    });
  }

  async listAlerts(caller: Caller, slice: Slice): Promise<AlertDocument[]> {
    await this.changes.reachFor(caller, 'alert.list');
    return listAlerts(this.metadata.dataSource.manager, slice);
  }

  /** What an operation is about may be a customer's; to steer the operation itself is nobody's but the operators'. */
  private subject(id: string): Subject<OperationDocument> {
    return { id, find: (reach) => this.operations.find(reach, id), ownerOf: () => undefined };
  }
}
