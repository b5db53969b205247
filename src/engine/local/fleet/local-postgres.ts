import { HostShell } from '../machine/host-shell.js';
import { PostgresInstallations, type PostgresBinaries } from '../machine/postgres-binaries.js';
import { hostsDirectory } from './fleet-layout.js';

/** What of PostgreSQL is on this machine, for who starts a fleet. */
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
  for (const host of await shell.list(hostsDirectory(root))) {
    for (const database of await shell.list(`${hostsDirectory(root)}/${host}`)) {
      const volume = `${hostsDirectory(root)}/${host}/${database}/volume`;
      const majors = await Promise.all((await shell.list(volume)).map((instance) => shell.read(`${volume}/${instance}/data/PG_VERSION`)));
      for (const major of majors.map(Number)) {
        if (!(major > 0) || faultOf(major) === undefined) continue;
        homeless.set(major, (homeless.get(major) ?? new Set()).add(database));
      }
    }
  }
  return new Map([...homeless].map(([major, databases]) => [major, [...databases].sort()]));
}
