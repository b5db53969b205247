import { Injectable } from '@nestjs/common';
import { askerOf, type Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { notFound } from '../problems/problem.js';
import { DatabaseRequests, type OperationAnswer } from './database.requests.js';
import type { Credentials } from './database.schemas.js';
import { requireInstances } from './require-instances.js';
import type { NewRoleBody, RoleDocument } from './role.schemas.js';
import { RolesService } from './roles.service.js';

/** How long a caller is kept waiting for a primary that may not answer. */
const LOOK_TIMEOUT_MS = 5_000;

/** What is asked of the further roles of a database. */
@Injectable()
export class RoleRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabaseRequests,
    private readonly roles: RolesService,
  ) {}

  /** All of them, by name. */
  async list(caller: Caller, id: string): Promise<readonly RoleDocument[]> {
    requireInstances(await this.changes.admitReader(caller, 'role.list', this.databases.document(id)));
    return this.look(id);
  }

  create(caller: Caller, id: string, input: NewRoleBody): Promise<Answered<Credentials>> {
    const change = { action: 'role.create', subject: this.databases.document(id), input, look: () => this.look(id) } as const;
    return this.changes.change(caller, change, async (tx, database, seen) => {
      requireInstances(database);
      const request = { id, asker: askerOf(caller), ...input, owner: database.endpoint.user };
      const { credentials, operation } = await this.roles.create(tx, request, seen);
      return { body: credentials, operation, waits: true, detail: input };
    });
  }

  drop(caller: Caller, id: string, name: string): Promise<Answered<OperationAnswer>> {
    const input = { name };
    return this.changes.change(caller, { action: 'role.drop', subject: this.databases.document(id), input }, async (tx, { endpoint }) => {
      if (name === endpoint.user) throw notFound();
      const operation = await this.roles.drop(tx, { id, asker: askerOf(caller), name });
      return { body: { operation }, operation, detail: input };
    });
  }

  rotatePassword(caller: Caller, id: string, name: string): Promise<Answered<Credentials>> {
    const input = { name };
    const change = { action: 'role.rotate-password', subject: this.databases.document(id), input, look: () => this.look(id) } as const;
    return this.changes.change(caller, change, async (tx, database, seen) => {
      requireInstances(database);
      const asked = await this.roles.rotatePassword(tx, { id, asker: askerOf(caller), name }, seen);
      if (!asked) throw notFound();
      return { body: asked.credentials, operation: asked.operation, waits: true, detail: input };
    });
  }

  private look(id: string): Promise<readonly RoleDocument[]> {
    return this.roles.list(id, AbortSignal.timeout(LOOK_TIMEOUT_MS));
  }
}
