import type { Readable } from 'node:stream';

import type { Effect, InstanceObservation, InstanceRef, Lsn } from './instance-model.js';

/**
 * A place where backups are kept; on the embedded fleet a directory that stands for a machine.
 *
 * - `live`: WAL is archived to it all the time, and each backup is stored on it;
 * - `frozen`: cold storage; a copy is written once, is complete in itself, and cannot change before its time.
 */
export interface BackupSite {
  readonly id: string;
  readonly name: string;
  /** ISO 3166 code of the country that it is in, such as `DE`. */
  readonly country: string;
  /** A name for the data centre that the site is in; no two sites share one. */
  readonly dataCenter: string;
  readonly kind: 'live' | 'frozen';
}

/** Whose backups they are: what is needed to read and write them after the database itself is gone, too. */
export interface BackupSet {
  readonly databaseId: string;
  readonly region: string;
  /** The number of the database's own Unix account; the files at the sites belong to it. */
  readonly account: number;
  /** The PostgreSQL database and role as they are named inside the backups. */
  readonly name: string;
  readonly owner: string;
  /** The cipher key of the database's backups at every site; without it they are noise. */
  readonly key: string;
}

/** A backup as a site's own catalogue has it. */
export interface StoredBackup {
  /** pgBackRest's label, such as `20261124-021500F`. */
  readonly label: string;
  /** Ties the copies of one backup together: the id that {@link BackupsPort.backUp} was called with. */
  readonly backupId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** What the backup would take when restored, and what it takes at the site. */
  readonly databaseBytes: number;
  readonly storedBytes: number;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
  /** At a frozen site: until when it can neither be changed nor removed. */
  readonly frozenUntil?: Date;
}

export interface ArchiveObservation {
  /** WAL segments that are complete and not yet at every site in use, how much that is, and how old the oldest is. */
  readonly pendingFiles: number;
  readonly pendingBytes: number;
  readonly pendingSeconds: number;
  /** The sites that the instance archives to at present. */
  readonly sites: readonly string[];
  /** When WAL was last given up because more waited than may: there is a hole, and a new full backup is needed. */
  readonly droppedAt?: Date;
}

/** What a proof found: a backup that is sound, perhaps with something that its customer should know, or one that is damaged. */
export type BackupProof =
  | {
    readonly sound: true;
    readonly restoreMs: number;
    readonly checkMs: number;
    readonly relations: number;
    /** Of the customer's own code. */
    readonly remarks: readonly string[];
  }
  | { readonly sound: false; readonly damage: string };

/** Until when a restore plays WAL: to the end of a backup, to a moment, or as far as there is any. */
export type RestoreTarget =
  | { readonly backup: { readonly site: string; readonly label: string } }
  | { readonly site: string; readonly time: Date }
  | { readonly site: string; readonly time: 'latest' };

/** What a restored instance is, and the last commit that is in it; undefined where nothing was committed since the backup. */
export type RestoredInstance = InstanceObservation & { readonly restoredTo?: Date };

/**
 * Backups: what keeps a database's data when every instance of it is gone.
 *
 * Whoever looks after backups holds no exclusive claim, and its tokens are not comparable with a failover's. So verbs that
 * change how an instance archives (`archiveTo`, `archiveNow`, `adoptArchive`) take no notice of them: a lock of their own
 * lets one work at a time, and whoever looks after backups looks again soon, so that what a late one did wrong does not
 * last. `restore` and `prove` make an instance, and are fenced as its other verbs are. Verbs that
 * change a site (`backUp`, `freeze`, `expire`, `remove`) take no notice of the token: a lock per set and site lets one
 * work at a time, another call meanwhile is refused as `transient`, and one that is repeated finds what was done.
 */
export interface BackupsPort {
  sites(): readonly BackupSite[];
  /**
   * Asks a site whether it can be written to and read now; never throws. `freeBytes` and `madeAt`, when the site itself was
   * made, where they can be told: one that was lost and made anew is empty.
   *
   * @param bytes How much is written and read again, to see how long that takes; next to nothing if left out.
   */
  probe(
    site: string, signal: AbortSignal, bytes?: number,
  ): Promise<{ readonly usable: boolean; readonly reason?: string; readonly freeBytes?: number; readonly madeAt?: Date }>;
  /**
   * Makes an instance archive to these live sites from now on, and makes the set at each of them if it is not there.
   * A site that is left out holds up neither the database nor the others. Empty: archiving waits, bounded.
   */
  archiveTo(instance: InstanceRef, set: BackupSet, sites: readonly string[], effect: Effect): Promise<void>;
  observeArchive(instance: InstanceRef, signal: AbortSignal): Promise<ArchiveObservation>;
  /**
   * Commits a small transaction of its own, so that a restore to any moment before now finds an end, switches WAL, and
   * returns once everything written before is at every site in use. `transient` if that takes longer than the signal.
   */
  archiveNow(primary: InstanceRef, effect: Effect): Promise<void>;
  /**
   * Called on a new primary once it is promoted: what its predecessor may not have archived, it archives itself
   * (`measured.md`: a standby marks streamed segments as done). Fast and safe to repeat.
   */
  adoptArchive(primary: InstanceRef, effect: Effect): Promise<void>;
  /**
   * Makes a full backup at one live site, from the standby where that is given and works, else from the primary. Answers
   * with the one that is there if this id was backed up there already. The primary has to archive to the site.
   */
  backUp(
    source: { readonly primary: InstanceRef; readonly standby?: InstanceRef },
    set: BackupSet,
    site: string,
    backupId: string,
    effect: Effect,
  ): Promise<StoredBackup>;
  /** What a site has of the set; empty if it has nothing. Throws `transient` when the site does not answer. */
  list(set: BackupSet, site: string, signal: AbortSignal): Promise<readonly StoredBackup[]>;
  /** Copies a backup and the WAL that makes it consistent from a live site to a frozen one, once, protected until then. */
  freeze(
    set: BackupSet, from: { readonly site: string; readonly label: string }, to: string, until: Date, effect: Effect,
  ): Promise<StoredBackup>;
  /**
   * Removes one backup from a site, and the WAL that only it needed; harmless if it is gone. `permanent` for a frozen copy
   * before its time, and for the last backup at a live site, which goes only with the set.
   */
  expire(set: BackupSet, site: string, label: string, effect: Effect): Promise<void>;
  /**
   * Makes an instance from a backup: starts it, plays WAL up to the target, and opens it as a primary of its own whose
   * database, owner and secrets are those of `instance.database`. Finds a half-made one and remakes it.
   */
  restore(
    instance: InstanceRef, set: BackupSet, target: RestoreTarget, effect: Effect, progress?: (doneBytes: number, ofBytes: number) => void,
  ): Promise<RestoredInstance>;
  /**
   * Restores a backup on a spare place, starts it cut off from everybody, checks every relation, and removes it again. Throws
   * only for the drill's own trouble. The customer's functions run as the database's owner, within a bounded time.
   */
  prove(set: BackupSet, from: { readonly site: string; readonly label: string }, host: string, effect: Effect): Promise<BackupProof>;
  /**
   * Streams a `pg_dump` custom-format archive of one of the instance's databases, the endpoint's unless another is named; ends
   * with an error event, never cleanly, if the dump fails.
   */
  dump(instance: InstanceRef, signal: AbortSignal, database?: string): Promise<Readable>;
  /** Removes the set from a site; at a frozen one, what its time lets go. Erasure itself is the destruction of its key. */
  remove(set: BackupSet, site: string, effect: Effect): Promise<void>;
}

