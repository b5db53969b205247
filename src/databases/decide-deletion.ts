/** What there is of a deleted database's backups, by what is recorded. */
export interface BackupsOfDeleted {
  /** Whether anybody was ever told that the database can be used. */
  readonly provisioned: boolean;
  /** The newest backup that can be restored. */
  readonly stored: string | null;
  /** The newest of those that hold all that was written, together with the WAL that was archived since without a hole. */
  readonly whole: string | null;
  /** Whether one is being made. */
  readonly underWay: boolean;
  /** Whether WAL is archived anywhere. */
  readonly archived: boolean;
  /** Why not one of the sites can be used, as when all of them are on a disk that is full; null where one can. */
  readonly noSite: string | null;
}

/** What a deletion knows before it destroys the last that there is of a database. */
export interface DeletionFacts {
  /** Whether the request said not to wait for a backup. */
  readonly withoutBackup: boolean;
  /** Undefined where the data plane keeps no backups. */
  readonly backups: BackupsOfDeleted | undefined;
  /** `gone`: its files are, or its host is declared lost. */
  readonly primary: 'running' | 'down' | 'gone';
  /** Whether a standby has files, on a host that is not lost. */
  readonly standbyIsThere: boolean;
}

export type DeletionDecision =
  /** Nothing that was promised needs the instances any more. */
  | { readonly decision: 'destroy'; readonly because: string }
  /** A backup is there, and the last WAL is to follow it. */
  | { readonly decision: 'archive'; readonly backup: string }
  | { readonly decision: 'start-primary' }
  | { readonly decision: 'wait'; readonly reason: string; readonly hint: string }
  /** A person has to decide what happens to the remaining instances. */
  | { readonly decision: 'hold'; readonly reason: string; readonly hint: string };

const WITHOUT = 'ask for the deletion again with --without-backup (withoutBackup=true in the API): what no backup holds is lost then';
/** The hint for customers who do not want to wait. */
export const WAIT_HINT = `it goes on by itself once that is so; to destroy it without a backup, ${WITHOUT}`;

/**
 * Decides whether the instances of a deleted database may be destroyed. It can be brought back for days as it was when it
 * was deleted, so that a backup and the WAL after it have to hold all of it before.
 */
export function decideDeletion({ withoutBackup, backups, primary, standbyIsThere }: DeletionFacts): DeletionDecision {
  if (backups === undefined) return { decision: 'destroy', because: 'there are no backups here' };
  if (withoutBackup) {
    return {
      decision: 'destroy',
      because: `it was asked for without waiting for a backup${backups.stored === null ? ': it cannot be brought back' : ''}`,
    };
  }
  if (!backups.provisioned) return { decision: 'destroy', because: 'nobody was told yet that it can be used' };
  if (primary === 'gone') {
    if (backups.stored !== null) {
      return { decision: 'destroy', because: 'its primary is gone: it can be brought back as it was last archived' };
    }
    if (!standbyIsThere) return { decision: 'destroy', because: 'nothing of it is left' };
    return {
      decision: 'hold', reason: 'its primary is gone, no backup of it is stored, and a standby has the last copy',
      hint: `promote the standby; or, to destroy it without a backup, ${WITHOUT}`,
    };
  }
  if (primary === 'down') return { decision: 'start-primary' };
  if (backups.whole !== null) return { decision: 'archive', backup: backups.whole };
  const lack = backups.stored === null ? 'no backup of it is stored yet' : 'its newest backup is older than a hole in its archive';
  return {
    decision: 'wait', reason: `${lack}: ${whatIsAwaited(backups)}`,
    hint: backups.noSite === null ? WAIT_HINT : `make room at a backup site, or bring one back: ${WAIT_HINT}`,
  };
}

function whatIsAwaited({ noSite, underWay, archived }: BackupsOfDeleted): string {
  if (noSite !== null) return `no backup site can be used (${noSite})`;
  if (underWay) return 'one is being made';
  return archived ? 'one is about to be made' : 'no backup site has been told to take its WAL';
}
