import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type ChangeAnswer, ChangesService, type Committed } from './changes.service.js';
import type { Caller } from './caller.js';
import { EVERYTHING } from '../metadata/reach.js';
import { ProblemError } from '../problems/problem.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { OperationsService } from '../operations/operations.service.js';

/** A change that asks for an operation. */
export interface RequestAnswer extends ChangeAnswer {
  readonly operation: OperationDocument;
  /** Whether the answer waits for the operation's end: what the body promises is true only then. */
  readonly waits?: boolean;
}

/** How long a caller is kept waiting for the end of an operation. */
const WAIT_MS = 15_000;

/** Records requests for operations in repeatable changes, and wakes a worker once they are committed. */
@Injectable()
export class RequestsService {
  constructor(
    private readonly changes: ChangesService,
    private readonly operations: OperationsService,
    private readonly feed: OperationFeed,
  ) {}

  async request(caller: Caller, work: (tx: EntityManager) => Promise<RequestAnswer>): Promise<Committed> {
    const committed = await this.changes.change(caller, async (tx) => {
      const { operation, waits, status, body } = await work(tx);
      return { status, body, operationId: operation.id, waits: waits ?? false };
    });
    if (committed.operationId === undefined) return committed;
    const operation = await this.operations.find(EVERYTHING, committed.operationId);
    if (!operation) return committed;
    if (operation.finishedAt === null) await this.operations.announce(operation);
    if (committed.waits) requireSuccess(await this.waitForEnd(operation.id));
    return committed;
  }

  /** The operation once it has ended, or as it is when the time is over. */
  async waitForEnd(id: string): Promise<OperationDocument | undefined> {
    let operation: OperationDocument | undefined;
    for await (const _ of this.feed.watch(id, AbortSignal.timeout(WAIT_MS))) {
      operation = await this.operations.find(EVERYTHING, id);
      if (!operation || operation.finishedAt !== null) break;
    }
    return operation;
  }
}

function requireSuccess(operation: OperationDocument | undefined): void {
  if (operation?.state === 'succeeded') return;
  const extensions = { operation: operation?.id };
  if (operation?.finishedAt) {
    throw new ProblemError('operation-failed', operation.error?.reason ?? `the operation was ${operation.state}`, { extensions });
  }
  throw new ProblemError('unavailable', 'the change is recorded and not done yet', {
    hint: 'send the same request again, with the same Idempotency-Key, to get its answer', extensions,
  });
}
