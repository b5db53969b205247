import type { ArchiveObservation, StoredBackup } from './backups-port.js';

/** How the metadata server archives. */
export interface MetadataArchive extends ArchiveObservation {
  /** When it was last told where to archive; a backup from before then may not reach to the present. */
  readonly since: Date;
  /** When a backup was proved last. */
  readonly provedAt?: Date;
}

/**
 * Backups of the embedded metadata database, at the same sites as those of customers' databases.
 *
 * What they need to be read again is not in the metadata: the catalogues of the sites tell what there is, and the cipher key
 * is derived from the master key. Verbs are idempotent; a lock per site lets one work at a time.
 */
export interface MetadataBackupsPort {
  /** Undefined where no metadata server of this fleet runs on this machine: whoever runs it backs it up. */
  observe(signal: AbortSignal): Promise<MetadataArchive | undefined>;
  /** Makes it archive to these live sites from now on; one that is left out holds up neither it nor the others. */
  archiveTo(sites: readonly string[], signal: AbortSignal): Promise<void>;
  /** Makes a full backup at a live site that it archives to; finds the one that was made there under this id. */
  backUp(site: string, backupId: string, signal: AbortSignal): Promise<StoredBackup>;
  /** What a site has, the newest first. */
  list(site: string, signal: AbortSignal): Promise<readonly StoredBackup[]>;
  /** Copies a backup from a live site to a frozen one, protected until then. */
  freeze(from: { readonly site: string; readonly label: string }, to: string, until: Date, signal: AbortSignal): Promise<StoredBackup>;
  /**
   * Restores a backup on a spare place, starts it cut off from everybody, checks it with pg_amcheck, and removes it again.
   * `permanent` if it does not pass.
   */
  prove(from: { readonly site: string; readonly label: string }, signal: AbortSignal): Promise<void>;
  /** Removes a backup from a site; refused for a frozen copy before its time, and for the last one at a live site. */
  expire(site: string, label: string, signal: AbortSignal): Promise<void>;
}
