import { Injectable } from '@nestjs/common';
import { askerOf, type Caller } from '../../changes/caller.js';
import { type Answered, Changes } from '../../changes/changes.js';
import { DatabaseRequests, type OperationAnswer } from '../../databases/database.requests.js';
import type { DatabaseOperationAnswer, NewDatabaseAnswer } from '../../databases/database.schemas.js';
import type { Wanted } from './choose-restore-source.js';
import type { RestoreBody, UndeleteBody } from './restore.schemas.js';
import { RestoresService } from './restores.service.js';

/** What is asked of restores. */
@Injectable()
export class RestoreRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabaseRequests,
    private readonly restores: RestoresService,
  ) {}

  restore(caller: Caller, id: string, input: RestoreBody): Promise<Answered<DatabaseOperationAnswer | NewDatabaseAnswer>> {
    const { into, time, backupId, name } = input;
    return this.changes.change(caller, {
      action: 'database.restore', subject: this.databases.document(id), input,
    }, async (tx, database) => {
      const request = { database, wanted: toWanted(input), asker: askerOf(caller) };
      const made = await (into === 'new' ? this.restores.restoreIntoNew(tx, request, name) : this.restores.restoreInPlace(tx, request));
      return { body: made, operation: made.operation, detail: { into, time, backupId, databaseId: made.database.id } };
    });
  }

  undelete(caller: Caller, id: string, input: UndeleteBody): Promise<Answered<DatabaseOperationAnswer>> {
    return this.changes.change(caller, {
      action: 'database.undelete', subject: this.databases.document(id), input,
    }, async (tx, database) => {
      const answer = await this.restores.undelete(tx, { database, asker: askerOf(caller) }, input.name);
      return { body: answer, operation: answer.operation, detail: { ...input } };
    });
  }

  /** Asks for a database whose every instance is lost to be restored as it was last archived. */
  restoreLost(caller: Caller, id: string): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'database.restore-lost', subject: this.databases.document(id) }, async (tx, database) => {
      const operation = await this.restores.restoreLost(tx, database, askerOf(caller));
      return { body: { operation }, operation };
    });
  }
}

function toWanted({ time, backupId }: Pick<RestoreBody, 'time' | 'backupId'>): Wanted {
  if (time === undefined) return { backupId: backupId ?? '' };
  return { time: time === 'latest' ? time : new Date(time) };
}
