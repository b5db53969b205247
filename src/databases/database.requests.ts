import { Injectable } from '@nestjs/common';
import type { Subject } from '../access/subject.js';
import { askerOf, type Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import type { CustomerEntity } from '../customers/customer.entity.js';
import { CustomersService } from '../customers/customers.service.js';
import type { OperationDocument } from '../operations/operation.js';
import { notFound } from '../problems/problem.js';
import type { DatabaseFilter } from './database-document.js';
import { CustomerNotFoundError } from './database-errors.js';
import type {
  AutomationBody, Credentials, DatabaseDocument, DatabaseOperationAnswer, DeletionQuery, NewDatabaseAnswer, NewDatabaseBody, PasswordBody,
  SwitchoverBody,
} from './database.schemas.js';
import { DatabasesService, type OwnedDatabase } from './databases.service.js';

/** How long an operator is kept waiting for what a lost primary may say. */
const LOOK_TIMEOUT_MS = 3_000;

/** What is asked of databases, by customers, operators, and what acts by itself. */
@Injectable()
export class DatabaseRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabasesService,
    private readonly customers: CustomersService,
  ) {}

  /** A database, as the subject of a change. */
  owned(id: string): Subject<OwnedDatabase> {
    return { id, find: (reach) => this.databases.findOwned(reach, id), ownerOf: ({ customerId }) => customerId };
  }

  /** The same, with all that is shown of it. */
  document(id: string): Subject<DatabaseDocument> {
    return { id, find: (reach) => this.databases.find(reach, id), ownerOf: ({ customerId }) => customerId };
  }

  create(caller: Caller, input: NewDatabaseBody): Promise<Answered<NewDatabaseAnswer>> {
    const change = {
      action: 'database.create', subject: this.customer(input.customerId), input,
      look: () => this.databases.chooseLocale(input.region, input),
    } as const;
    return this.changes.change(caller, change, async (tx, { id: customerId }, locale) => {
      const made = await this.databases.create(tx, { ...input, locale, asker: askerOf(caller) });
      return {
        body: made, operation: made.operation, made: { id: made.database.id, customerId },
        detail: { name: input.name, region: input.region, plan: input.plan, locale: locale.name, provider: locale.provider },
      };
    });
  }

  async list(caller: Caller, filter: DatabaseFilter): Promise<DatabaseDocument[]> {
    return this.databases.list(await this.changes.reachFor(caller, 'database.list'), filter);
  }

  /** As it is now, also where no watcher looks at it. */
  read(caller: Caller, id: string): Promise<DatabaseDocument> {
    return this.changes.admitReader(caller, 'database.read', { ...this.document(id), find: (reach) => this.databases.observe(reach, id) });
  }

  delete(caller: Caller, id: string, { withoutBackup }: DeletionQuery): Promise<Answered<DatabaseOperationAnswer>> {
    return this.changes.change(caller, { action: 'database.delete', subject: this.owned(id) }, async (tx) => {
      const answer = await this.databases.delete(tx, { id, asker: askerOf(caller), withoutBackup });
      return { body: answer, operation: answer.operation, detail: { ...(withoutBackup && { withoutBackup }) } };
    });
  }

  rotatePassword(caller: Caller, id: string, { overlapHours }: PasswordBody): Promise<Answered<Credentials>> {
    // Without an overlap it is the same request as it always was, whose answer may be owed again.
    const input = overlapHours === 0 ? undefined : { overlapHours };
    return this.changes.change(caller, { action: 'database.rotate-password', subject: this.owned(id), input }, async (tx) => {
      const { credentials, operation } = await this.databases.rotatePassword(tx, { id, asker: askerOf(caller), overlapHours });
      return { body: credentials, operation, waits: true, detail: { ...input } };
    });
  }

  /** Ends an older password whose time is over. */
  endOverlap(caller: Caller, id: string): Promise<Answered<undefined>> {
    return this.changes.change(caller, { action: 'database.rotate-password', subject: this.owned(id) }, async (tx) => (
      { body: undefined, operation: await this.databases.endOverlap(tx, { id, asker: askerOf(caller) }), detail: { overlapEnded: true } }));
  }

  switchover(caller: Caller, id: string, input: SwitchoverBody): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.switchover', subject: this.owned(id), input }, async (tx) => {
      const operation = await this.databases.switchover(tx, { id, asker: askerOf(caller), ...input });
      return { body: { operation }, operation, detail: { ...input } };
    });
  }

  /** @param why what is told of the reason; a forced failover does not ask first whether the primary is lost */
  failover(
    caller: Caller, id: string, input: { readonly acceptDataLoss: boolean },
    why: { readonly reason: string; readonly forced: boolean } = BY_OPERATOR,
  ): Promise<Answered<OperationAnswer & { bytesAtRisk: number | null }>> {
    const { acceptDataLoss } = input;
    // What acts by itself accepts no loss, and need not know how large it would be.
    const look = async ({ inSync }: OwnedDatabase): Promise<number | null> => {
      if (inSync) return 0;
      return caller.actor.type === 'system' ? null : this.databases.bytesAtRisk(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
    };
    return this.changes.change(caller, {
      action: 'database.failover', subject: this.owned(id), input, look,
    }, async (tx, _, bytesAtRisk) => {
      const operation = await this.databases.failover(tx, { id, asker: askerOf(caller), acceptDataLoss, ...why, bytesAtRisk });
      return { body: { operation, bytesAtRisk }, operation, detail: { acceptDataLoss, bytesAtRisk, reason: why.reason } };
    });
  }

  /** Asks for a database to be started again where it is. */
  recover(caller: Caller, id: string): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.recover', subject: this.owned(id) }, async (tx, database) => {
      const operation = await this.databases.requestRecovery(tx, database, askerOf(caller));
      return { body: { operation }, operation };
    });
  }

  /** Asks for a database to be made redundant again. */
  reprotect(caller: Caller, id: string, reason: string): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.reprotect', subject: this.owned(id) }, async (tx, database) => {
      const operation = await this.databases.requestReprotection(tx, database, reason, askerOf(caller));
      return { body: { operation }, operation, detail: { reason } };
    });
  }

  /** Asks for a standby to be moved to another host. */
  relocate(
    caller: Caller, id: string, input: { readonly instanceId: string; readonly hostLost: boolean },
  ): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.relocate', subject: this.owned(id), input }, async (tx, database) => {
      const operation = await this.databases.requestRelocation(tx, database, input, askerOf(caller));
      return { body: { operation }, operation, detail: input };
    });
  }

  releaseKept(caller: Caller, id: string, keptCopyId: string): Promise<Answered<OperationAnswer>> {
    const input = { keptCopyId };
    return this.changes.change(caller, { action: 'database.release-kept', subject: this.owned(id), input }, async (tx) => {
      const operation = await this.databases.releaseKept(tx, { id, keptCopyId, asker: askerOf(caller) });
      if (!operation) throw notFound();
      return { body: { operation }, operation, detail: input };
    });
  }

  setAutomation(caller: Caller, id: string, input: AutomationBody): Promise<Answered<DatabaseDocument>> {
    const action = input.paused ? 'automation.pause' : 'automation.resume';
    return this.changes.change(caller, { action, subject: this.owned(id), input }, async (tx) => (
      { body: await this.databases.setAutomation(tx, { id, asker: askerOf(caller), ...input }), detail: { reason: input.reason } }));
  }

  private customer(id: string): Subject<CustomerEntity> {
    return {
      id,
      find: async (reach) => {
        const customer = await this.customers.find(reach, id);
        if (!customer) throw new CustomerNotFoundError(id);
        return customer;
      },
      ownerOf: (customer) => customer.id,
    };
  }
}

export interface OperationAnswer {
  readonly operation: OperationDocument;
}

const BY_OPERATOR = { reason: 'asked for by an operator', forced: true };
