import { Injectable } from '@nestjs/common';
import type { ApiKeyEntity } from '../access/api-key.entity.js';
import { ApiKeysService } from '../access/api-keys.service.js';
import { customerScope, reachOf } from '../access/actor.js';
import { NO_SUBJECT, type Subject } from '../access/subject.js';
import type { Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import type { Slice } from '../metadata/slice.js';
import { notFound, ProblemError } from '../problems/problem.js';
import type { CustomerEntity } from './customer.entity.js';
import type { ApiKeyDocument, NewApiKeyAnswer, NewApiKeyBody, NewCustomer } from './customer.schemas.js';
import { type CustomerDocument, CustomersService, describeCustomer } from './customers.service.js';

/** What is asked of customers and their API keys. */
@Injectable()
export class CustomerRequests {
  constructor(
    private readonly changes: Changes,
    private readonly customers: CustomersService,
    private readonly keys: ApiKeysService,
  ) {}

  create(caller: Caller, input: NewCustomer): Promise<Answered<CustomerDocument>> {
    return this.changes.change(caller, { action: 'customer.create', subject: NO_SUBJECT, input }, async (tx) => {
      const customer = await this.customers.create(tx, { ...input, createdBy: caller.actor.id });
      return { body: describeCustomer(customer), made: { id: customer.id, customerId: customer.id } };
    });
  }

  async list(caller: Caller, slice: Slice): Promise<CustomerEntity[]> {
    return this.customers.list(await this.changes.reachFor(caller, 'customer.list'), slice);
  }

  async read(caller: Caller, id: string): Promise<CustomerDocument> {
    return describeCustomer(await this.changes.admitReader(caller, 'customer.read', this.subject(id)));
  }

  /** A key reaches no further than its customer. */
  createKey(caller: Caller, customerId: string, input: NewApiKeyBody): Promise<Answered<NewApiKeyAnswer>> {
    const change = { action: 'api-key.create', subject: this.subject(customerId), input } as const;
    return this.changes.change(caller, change, async (tx) => {
      const scopes = input.scopes ?? [customerScope(customerId)];
      requireOwnScope(scopes, customerId);
      const { entity, key } = await this.keys.create(tx, { name: input.name, scopes, customerId, expiresAt: input.expiresAt ?? null });
      return { body: { ...describeApiKey(entity), key }, made: { id: entity.id, customerId }, detail: { name: entity.name, scopes } };
    });
  }

  async listKeys(caller: Caller, customerId: string, slice: Slice): Promise<ApiKeyEntity[]> {
    await this.changes.admitReader(caller, 'api-key.list', this.subject(customerId));
    return this.keys.list(reachOf(caller.actor), customerId, slice);
  }

  revokeKey(caller: Caller, customerId: string, id: string): Promise<Answered<undefined>> {
    return this.changes.change(caller, { action: 'api-key.revoke', subject: this.subject(customerId) }, async (tx) => {
      if (!(await this.keys.revoke(tx, customerId, id))) throw notFound();
      return { body: undefined, made: { id, customerId } };
    });
  }

  private subject(id: string): Subject<CustomerEntity> {
    return { id, find: (reach) => this.customers.find(reach, id), ownerOf: (customer) => customer.id };
  }
}

function requireOwnScope(scopes: readonly string[], customerId: string): void {
  if (scopes.every((scope) => scope === customerScope(customerId))) return;
  throw new ProblemError('invalid-request', 'a key of a customer may have no other scope than that of its customer', {
    fields: [{ field: 'scopes', message: `must be ["${customerScope(customerId)}"]` }],
  });
}

export function describeApiKey({ id, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt }: ApiKeyEntity): ApiKeyDocument {
  return {
    id, name, scopes, createdAt: createdAt.toISOString(), expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null, lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
