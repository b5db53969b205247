import { HostShell } from '../machine/host-shell.js';
import { PostgresInstallations, type PostgresBinaries } from '../machine/postgres-binaries.js';
import { hostsDirectory } from './fleet-layout.js';
import { instancePaths, listInstances } from './instance-layout.js';

/** The PostgreSQLs of this machine, as the start of a fleet has to know them. */
export interface LocalPostgres {
  /** The programs of each major that can run its clusters, the newest first. */
  readonly usable: readonly PostgresBinaries[];
  /** What new clusters are made with; undefined if no major can make any. */
  readonly forNew: PostgresBinaries | undefined;
  /** Why newer majors that are installed, or all, make no new clusters. */
  readonly passedOver: readonly string[];
  /** Why clusters of a major cannot be run, and what to do; undefined if they can. */
  readonly faultOf: (major: number) => string | undefined;
}

/** @throws EngineError `permanent` if no PostgreSQL is there that could run anything. */
export async function findLocalPostgres(): Promise<LocalPostgres> {
  const found = await PostgresInstallations.find(HostShell.bare('/'));
  const { chosen, passedOver } = found.choose();
  return { usable: found.usable(), forNew: chosen, passedOver, faultOf: (major) => found.faultOf(major) };
}

/** The databases of a fleet, by the major that made their files, for which this machine has no programs. */
export async function findHomeless(root: string, { faultOf }: LocalPostgres): Promise<ReadonlyMap<number, readonly string[]>> {
  const shell = HostShell.bare(root);
  const homeless = new Map<number, Set<string>>();
  const instances = await Promise.all((await shell.list(hostsDirectory(root))).map((host) => listInstances(root, host, shell.list)));
  for (const instance of instances.flat()) {
    const paths = instancePaths(root, instance);
    const major = Number((await shell.read(`${paths.data}/PG_VERSION`)) ?? (await shell.read(paths.major)));
    if (!(major > 0) || faultOf(major) === undefined) continue;
    homeless.set(major, (homeless.get(major) ?? new Set()).add(instance.database.id));
  }
  return new Map([...homeless].map(([major, databases]) => [major, [...databases].sort()]));
}
