import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import type { RoleAccess } from '../engine/role-names.js';
import type { OperationDocument } from '../operations/operation.js';
import type { Credentials } from './database.schemas.js';
import { RoleTakenError, TooManyRolesError } from './database-errors.js';
import { MetadataDatabaseRecords, primaryOf } from './database-records.js';
import { type DatabaseRequest, DatabasesService } from './databases.service.js';
import { DROP_ROLE } from './operations/drop-role.operation.js';
import { SET_ROLE } from './operations/set-role.operation.js';
import type { RoleDocument } from './role.schemas.js';

/** Roles that a database may have beside its owner. */
const MOST_ROLES = 20;

/**
 * A customer's own further roles. The cluster itself is their only record, so that they are there after a failover, a restore
 * and an undeletion as they were.
 */
@Injectable()
export class RolesService {
  constructor(
    private readonly databases: DatabasesService,
    private readonly records: MetadataDatabaseRecords,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  /**
   * Asks the primary which roles there are.
   *
   * @throws EngineError if it does not answer
   */
  async list(databaseId: string, signal: AbortSignal): Promise<readonly RoleDocument[]> {
    return this.engine.instances.observeRoles(primaryOf(await this.records.read(databaseId)).ref, signal);
  }

  /**
   * Asks for a role to be made, beside those that a look has just found. Its credentials work once the operation has succeeded.
   *
   * @throws RoleTakenError, TooManyRolesError, DatabaseNotAvailableError
   */
  async create(
    tx: EntityManager, request: DatabaseRequest & { readonly name: string; readonly access: RoleAccess; readonly owner: string },
    roles: readonly RoleDocument[],
  ): Promise<{ credentials: Credentials; operation: OperationDocument }> {
    const { name, access, owner } = request;
    if (name === owner || roles.some((role) => role.name === name)) throw new RoleTakenError(name);
    if (roles.length >= MOST_ROLES) throw new TooManyRolesError(roles.length);
    return this.databases.requestLogin(tx, request, SET_ROLE, name, { name, access, create: true });
  }

  /**
   * Asks for a new password of a role; undefined if there is no such role.
   *
   * @throws DatabaseNotAvailableError
   */
  async rotatePassword(
    tx: EntityManager, request: DatabaseRequest & { readonly name: string }, roles: readonly RoleDocument[],
  ): Promise<{ credentials: Credentials; operation: OperationDocument } | undefined> {
    const role = roles.find(({ name }) => name === request.name);
    return role && this.databases.requestLogin(tx, request, SET_ROLE, role.name, { ...role, create: false });
  }

  /** Asks for a role to be removed. */
  async drop(tx: EntityManager, request: DatabaseRequest & { readonly name: string }): Promise<OperationDocument> {
    return this.databases.requestChange(tx, request, DROP_ROLE, { name: request.name });
  }
}
