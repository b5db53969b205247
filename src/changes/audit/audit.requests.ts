import { Inject, Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { NO_SUBJECT } from '../../access/subject.js';
import { Metadata } from '../../metadata/metadata.js';
import type { Slice } from '../../metadata/slice.js';
import { Vault } from '../../secrets/vault.js';
import type { Caller } from '../caller.js';
import { Changes } from '../changes.js';
import { type Anchor, ANCHOR_FILE, type AnchorFile } from './anchors.js';
import { AuditSeals } from './audit-record.js';
import { type AuditDocument, type AuditFilter, exportAuditEvents, readAuditEvents } from './read-audit-events.js';
import { type AuditVerification, verifyChain } from './verify-chain.js';

/** Verifications that a process makes side by side: each reads the whole audit. */
const VERIFIED_AT_ONCE = 1;

/** What is asked of the record of who did what. */
@Injectable()
export class AuditRequests {
  private readonly slots = pLimit(VERIFIED_AT_ONCE);
  private readonly seals: AuditSeals;

  constructor(
    private readonly changes: Changes,
    private readonly metadata: Metadata,
    vault: Vault,
    @Inject(ANCHOR_FILE) private readonly file: AnchorFile,
  ) {
    this.seals = new AuditSeals(vault);
  }

  async list(caller: Caller, filter: AuditFilter, slice: Slice): Promise<AuditDocument[]> {
    return readAuditEvents(this.metadata, await this.changes.reachFor(caller, 'audit-event.list'), filter, slice);
  }

  /** All of them, the oldest first, read as they are taken; what fails at once fails here, before anything is sent. */
  async export(caller: Caller, filter: AuditFilter): Promise<AsyncIterable<AuditDocument>> {
    return begin(exportAuditEvents(this.metadata, await this.changes.reachFor(caller, 'audit-event.export'), filter));
  }

  /** @param given hashes that the caller has kept */
  async verify(caller: Caller, given: readonly Anchor[]): Promise<AuditVerification> {
    await this.changes.admitReader(caller, 'audit-event.verify', NO_SUBJECT);
    return this.slots(() => verifyChain({ metadata: this.metadata, seals: this.seals, file: this.file, given }));
  }
}

/** Takes the first item at once, and the others as they are asked for. */
async function begin<Item>(items: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  return goOn(first, { [Symbol.asyncIterator]: () => iterator });
}

async function* goOn<Item>(first: IteratorResult<Item, unknown>, others: AsyncIterable<Item>): AsyncGenerator<Item> {
  if (first.done) return;
  yield first.value;
  yield* others;
}
