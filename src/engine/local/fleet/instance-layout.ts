import { isId, requireId } from '../../require-id.js';
import { hostDirectory } from './fleet-layout.js';

/** What tells one instance from all others of a fleet. */
export interface InstanceName {
  readonly id: string;
  readonly host: string;
  readonly database: { readonly id: string };
}

/**
 * Where an instance's files are.
 *
 * Below its host, a database has one directory with two kinds of things in it: `volume`, which holds all that belongs to
 * the customer and is a mounted, encrypted image of its own where the host can have one (`machine/volume-script.ts`), and a
 * directory per instance outside of it with the record of the highest token, the lock, the fence mark and the port. Those must
 * be readable while the volume is locked, full or gone, and the token outlives the instance, so that a creator who slept
 * through its destruction is refused.
 */
export interface InstancePaths {
  readonly database: string;
  /** Holds `token`, `lock`, `mark`, `keep`, `promoting`, `port` and `major`. */
  readonly control: string;
  readonly mark: string;
  /** There while the data is to be kept if it has to make room; holds what the copy is to be called (`protocol.md`, rule 12). */
  readonly keep: string;
  /** There while a promotion was asked for and nobody has seen yet how it ended (`protocol.md`, rule 7). */
  readonly promoting: string;
  readonly port: string;
  /** The major that made the data directory: what has to be installed is asked while the volume is closed, too. */
  readonly major: string;
  readonly volume: string;
  /** The encrypted image that is mounted at the volume; not there where the volume is a plain directory. */
  readonly image: string;
  /** What the directories of copies that were moved aside begin with: beside the instance's home, which goes with the instance. */
  readonly keptPrefix: string;
  /** Everything of this instance in the volume. */
  readonly home: string;
  /** PGDATA. */
  readonly data: string;
  /** PGDATA while it is being made; renamed when complete. */
  readonly building: string;
  /** PGDATA while it is rewound: under its own name nobody finds it, and what is left of it is good for nothing. */
  readonly rewinding: string;
  /** PGDATA that a new copy has replaced, until it is removed. */
  readonly replaced: string;
  /** Without this file in PGDATA `postgres` does not start; while the instance is marked it has the second name. */
  readonly pgControl: string;
  readonly pgControlMarked: string;
  /** There once the data directory is complete; a data directory without it was never used by a customer. */
  readonly made: string;
  readonly etc: string;
  /** Where WAL is archived to; WAL waits while it is missing or empty. */
  readonly archiveConfiguration: string;
  /** Written when WAL was given up. */
  readonly archiveDropped: string;
  /** Holds `token` and `lock` of how the instance archives, which are no concern of its other verbs. */
  readonly archiveControl: string;
  /** Who may write, as a part of the configuration. */
  readonly writing: string;
  /** Holds `token` and `lock` of who may write, which is no concern of the other verbs. */
  readonly writingControl: string;
  readonly log: string;
}

/** What belongs to a database on one of its hosts. */
export const databaseDirectory = (root: string, hostId: string, databaseId: string): string =>
  `${hostDirectory(root, hostId)}/${databaseId}`;

const VOLUME = 'volume';

/** A database's volume on a host, the image that may be mounted there, and what is held in it for when it is full. */
export function volumeOf(database: string): { readonly volume: string; readonly image: string; readonly ballast: string } {
  const volume = `${database}/${VOLUME}`;
  return { volume, image: `${volume}.img`, ballast: `${volume}/.ballast` };
}

export function instancePaths(root: string, instance: InstanceName): InstancePaths {
  [instance.id, instance.host, instance.database.id].forEach(requireId);
  const database = databaseDirectory(root, instance.host, instance.database.id);
  const control = `${database}/${instance.id}`;
  const { volume, image } = volumeOf(database);
  const home = `${volume}/${instance.id}`;
  return {
    database,
    control,
    mark: `${control}/mark`,
    keep: `${control}/keep`,
    promoting: `${control}/promoting`,
    port: `${control}/port`,
    major: `${control}/major`,
    volume,
    image,
    keptPrefix: `${home}.kept-`,
    home,
    data: `${home}/data`,
    building: `${home}/building`,
    rewinding: `${home}/rewinding`,
    replaced: `${home}/replaced`,
    pgControl: `${home}/data/global/pg_control`,
    pgControlMarked: `${home}/data/global/pg_control.marked`,
    made: `${home}/made`,
    etc: `${home}/etc`,
    archiveConfiguration: `${home}/etc/archive.conf`,
    archiveDropped: `${home}/etc/archive.dropped`,
    archiveControl: `${control}/archive`,
    writing: `${home}/etc/writing.conf`,
    writingControl: `${control}/writing`,
    log: `${home}/log`,
  };
}

/**
 * The instances that a host has files of, by database and name: those that were destroyed too, whose record of the highest
 * token stays.
 *
 * @param list names in a directory, sorted; none if it is not there
 */
export async function listInstances(
  root: string, hostId: string, list: (directory: string) => Promise<readonly string[]>,
): Promise<InstanceName[]> {
  const found: InstanceName[] = [];
  for (const databaseId of (await list(hostDirectory(root, hostId))).filter(isId)) {
    const directory = databaseDirectory(root, hostId, databaseId);
    const names = new Set([...(await list(directory)), ...(await list(`${directory}/${VOLUME}`))]);
    for (const id of names) if (isId(id) && id !== VOLUME) found.push({ id, host: hostId, database: { id: databaseId } });
  }
  return found;
}
