import { EngineError } from '../../../errors.js';
import type { LocalFleet } from '../../fleet/local-fleet.js';
import type { InstanceContext } from '../../fleet/instance-context.js';
import type { PostgresBinaries } from '../../machine/postgres-binaries.js';

/**
 * The programs that run an instance: those of the major that made its files, also while these are being built or rewound.
 *
 * @throws EngineError `transient` if the instance has no files, or their major is not installed.
 */
export async function binariesOf({ fleet, paths, instance }: InstanceContext): Promise<PostgresBinaries> {
  for (const directory of [paths.data, paths.building, paths.rewinding]) {
    const found = await binariesFor(fleet, directory);
    if (found) return found;
  }
  throw new EngineError('transient', `instance ${instance.id} has no data`, 'create it first');
}

/** The programs for a data directory; undefined if it is none. */
export async function binariesFor(fleet: LocalFleet, directory: string): Promise<PostgresBinaries | undefined> {
  const major = Number(await fleet.shell.read(`${directory}/PG_VERSION`));
  return major > 0 ? fleet.postgres.ofMajor(major) : undefined;
}
