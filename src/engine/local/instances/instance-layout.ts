import { EngineError } from '../../errors.js';
import type { InstanceRef } from '../../ports.js';
import { hostDirectory } from '../fleet/fleet-layout.js';

/**
 * Where an instance's files are.
 *
 * Below its host, a database has one directory with two kinds of things in it: `volume`, which holds all that belongs to
 * the customer and may be a mounted image of its own, and a directory per instance outside of it with the record of the
 * highest token, the lock, the fence mark and the port. Those must be readable while the volume is locked, full or gone,
 * and the token outlives the instance, so that a creator who slept through its destruction is refused.
 */
export interface InstancePaths {
  readonly database: string;
  /** Holds `token`, `lock`, `mark` and `port`. */
  readonly control: string;
  readonly mark: string;
  readonly port: string;
  readonly volume: string;
  /** Everything of this instance in the volume. */
  readonly home: string;
  /** PGDATA. */
  readonly data: string;
  /** PGDATA while it is being made; renamed when complete. */
  readonly building: string;
  /** There once the data directory is complete; a data directory without it was never used by a customer. */
  readonly made: string;
  readonly etc: string;
  readonly log: string;
}

export function instancePaths(root: string, instance: InstanceRef): InstancePaths {
  for (const id of [instance.id, instance.host, instance.database.id]) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) throw new EngineError('permanent', `"${id}" is not an id`);
  }
  const database = `${hostDirectory(root, instance.host)}/${instance.database.id}`;
  const control = `${database}/${instance.id}`;
  const volume = `${database}/volume`;
  const home = `${volume}/${instance.id}`;
  return {
    database,
    control,
    mark: `${control}/mark`,
    port: `${control}/port`,
    volume,
    home,
    data: `${home}/data`,
    building: `${home}/building`,
    made: `${home}/made`,
    etc: `${home}/etc`,
    log: `${home}/log`,
  };
}

/** The physical slot on a primary through which a standby streams. */
export function slotName(instanceId: string): string {
  return instanceId.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
}
