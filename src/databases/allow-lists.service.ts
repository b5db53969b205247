import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';
import type { OperationDocument } from '../operations/operation.js';
import { type DatabaseRequest, DatabasesService } from './databases.service.js';
import { SET_ALLOW_LIST } from './operations/set-allow-list.operation.js';

/** A database's list, and whose it is. */
export interface OwnedAllowList {
  readonly customerId: string;
  readonly allowList: readonly string[];
}

/** From where clients may connect to databases. */
@Injectable()
export class AllowListsService {
  constructor(private readonly metadata: Metadata, private readonly databases: DatabasesService) {}

  /** The list of a database, a deleted one too: it has the same when it is brought back. */
  async find(reach: Reach, databaseId: string): Promise<OwnedAllowList | undefined> {
    const select = writeSelect(
      SELECT_LIST, { 'id = ?': databaseId }, reach, 'customer_id', 'AND (purge_at IS NULL OR purge_at > now()) LIMIT ?', 1,
    );
    return (await this.metadata.select<OwnedAllowList>(reach, select))[0];
  }

  /**
   * Asks for another list; it is in force once the operation has succeeded.
   *
   * @throws DatabaseNotAvailableError
   */
  set(tx: EntityManager, request: DatabaseRequest & { readonly allowList: readonly string[] }): Promise<OperationDocument> {
    return this.databases.requestChange(tx, request, SET_ALLOW_LIST, { allowList: request.allowList });
  }

  /** Databases whose endpoints were not told of the list that is recorded, and which no other change keeps from being told. */
  async listUnenforced(): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(this.metadata.dataSource.manager, `
      SELECT id FROM databases
       WHERE NOT allow_list_enforced AND provisioned_at IS NOT NULL AND deleted_at IS NULL AND automation_paused IS NULL
         AND NOT EXISTS (SELECT FROM operations o WHERE o.subject_id = databases.id AND o.exclusive AND o.state IN ('pending', 'running'))
       ORDER BY id`);
    return rows.map(({ id }) => id);
  }
}

const SELECT_LIST = 'SELECT customer_id AS "customerId", allow_list AS "allowList" FROM databases';
