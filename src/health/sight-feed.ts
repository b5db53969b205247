import { Injectable } from '@nestjs/common';
import type { DatabaseSight } from '../databases/database-sight.js';
import type { Verdict } from './judge-primary.js';

/** What this worker's watch saw of a database at one look. */
export interface SeenDatabase {
  readonly databaseId: string;
  /** By the clock of this worker, by the epoch. */
  readonly atMs: number;
  readonly verdict: Verdict;
  readonly sight: DatabaseSight;
  readonly primaryId: string;
  /** Whether several hosts of the primary's data centre are watched, and none of them gives a sign of life. */
  readonly isDataCenterSilent: boolean;
}

/** Tells the features that come later what the watch sees, look by look, also while the metadata database is away. */
@Injectable()
export class SightFeed {
  private readonly listeners = new Set<(seen: SeenDatabase) => void>();

  /** Calls back at every look, until the answer is called. */
  follow(listener: (seen: SeenDatabase) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(seen: SeenDatabase): void {
    for (const listener of this.listeners) listener(seen);
  }
}
