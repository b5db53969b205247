import { Inject, Injectable } from '@nestjs/common';
import type { Caller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { MetadataDatabaseRecords } from './database-records.js';
import { DatabaseRequests } from './database.requests.js';
import type { RefusalList } from './refusal.schemas.js';
import { requireInstances } from './require-instances.js';

const COUNT_WITHIN_MS = 5_000;

/** Why clients of a database are refused, for who asks why they are. */
@Injectable()
export class RefusalRequests {
  constructor(
    private readonly changes: Changes,
    private readonly databases: DatabaseRequests,
    private readonly records: MetadataDatabaseRecords,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  /** The most frequent first. */
  async list(caller: Caller, id: string): Promise<RefusalList> {
    requireInstances(await this.changes.admitReader(caller, 'database.read', this.databases.document(id)));
    const { spec } = await this.records.read(id);
    const found = await this.engine.gateway.refusalsOf?.(spec, AbortSignal.timeout(COUNT_WITHIN_MS));
    const data = [...(found?.refusals ?? [])].sort((one, other) => other.count - one.count || one.reason.localeCompare(other.reason));
    return { since: found?.since ?? null, data, nextCursor: null };
  }
}
