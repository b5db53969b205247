import { Injectable } from '@nestjs/common';
import type { Subject } from '../access/subject.js';
import { askerOf, type Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { readNetwork } from '../engine/allow-list.js';
import type { AllowListDocument, NewAllowListBody } from './allow-list.schemas.js';
import { AllowListsService, type OwnedAllowList } from './allow-lists.service.js';
import type { OperationAnswer } from './database.requests.js';

/** What is asked of the allow-list of a database. */
@Injectable()
export class AllowListRequests {
  constructor(private readonly changes: Changes, private readonly lists: AllowListsService) {}

  async read(caller: Caller, id: string): Promise<AllowListDocument> {
    const { allowList } = await this.changes.admitReader(caller, 'allow-list.read', this.owned(id));
    return { cidrs: [...allowList] };
  }

  /** Answers once it is in force. */
  set(caller: Caller, id: string, { cidrs }: NewAllowListBody): Promise<Answered<AllowListDocument>> {
    const allowList = normalise(cidrs);
    const input = { cidrs: allowList };
    return this.changes.change(caller, { action: 'allow-list.set', subject: this.owned(id), input }, async (tx) => {
      const operation = await this.lists.set(tx, { id, asker: askerOf(caller), allowList });
      return { body: input, operation, waits: true, detail: input };
    });
  }

  /** Asks for the recorded list to be told to the endpoint. */
  enforce(caller: Caller, id: string): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: 'allow-list.set', subject: this.owned(id) }, async (tx, { allowList }) => {
      const operation = await this.lists.set(tx, { id, asker: askerOf(caller), allowList });
      return { body: { operation }, operation, detail: { cidrs: allowList } };
    });
  }

  private owned(id: string): Subject<OwnedAllowList> {
    return { id, find: (reach) => this.lists.find(reach, id), ownerOf: ({ customerId }) => customerId };
  }
}

/** Each network once, as it is written down, in the order in which they were given. */
function normalise(cidrs: readonly string[]): string[] {
  const networks = cidrs.flatMap((text) => {
    const read = readNetwork(text);
    return 'network' in read ? [read.network] : [];
  });
  return [...new Set(networks)];
}
