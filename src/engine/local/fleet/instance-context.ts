import type { InstanceRef } from '../../ports.js';
import type { Account } from '../machine/files.js';
import type { GateSubject } from '../machine/gate.js';
import type { HostShell, ProcessFacts } from '../machine/host-shell.js';
import type { LocalFleet } from './local-fleet.js';
import { instancePaths, type InstancePaths } from './instance-layout.js';

/** All that the verbs need to know of one instance. */
export interface InstanceContext {
  readonly fleet: LocalFleet;
  readonly instance: InstanceRef;
  readonly shell: HostShell;
  readonly paths: InstancePaths;
  readonly address: string;
  /** The database's own account; undefined where everything runs as the current user. */
  readonly account: Account | undefined;
  readonly authorityPath: string;
  /** The name by which it is verified: its address, or the endpoint's. */
  readonly serverName: string;
}

/** @throws EngineError `permanent` for an unknown host, or an id that could leave its directory. */
export function instanceContext(fleet: LocalFleet, instance: InstanceRef): InstanceContext {
  const { host, region } = fleet.host(instance.host);
  return {
    fleet,
    instance,
    shell: fleet.hostShell(instance.host),
    paths: instancePaths(fleet.root, instance),
    address: host.address,
    account: fleet.account(instance.database.account),
    authorityPath: fleet.authorityPath(region.id),
    serverName: fleet.serverName(instance.database, host.address),
  };
}

export function instanceSubject(context: InstanceContext, token: bigint): GateSubject {
  return { directory: context.paths.control, token, name: `instance ${context.instance.id}` };
}

/** Who may write to the instance: a lock and a count of its own (see `InstancesPort.setWriting`). */
export function writingSubject(context: InstanceContext, token: bigint): GateSubject {
  return { directory: context.paths.writingControl, token, name: `who may write to instance ${context.instance.id}` };
}

/** How the instance archives: a lock of its own, without a token (see `BackupsPort`). */
export function archiveSubject(context: InstanceContext): GateSubject {
  return { directory: context.paths.archiveControl, name: `the archive of instance ${context.instance.id}` };
}

/** The port that was given to the instance when it was first made. */
export async function readPort(context: InstanceContext): Promise<number | undefined> {
  const text = await context.shell.read(context.paths.port);
  const port = Number(text);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** Words that run a program as an account; nothing where everything runs as the current user. */
export function asAccount(account: Account | undefined): string[] {
  return account ? ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--no-new-privs'] : [];
}

/** A postmaster that is alive, and the status that it wrote into its pid file: `starting`, `standby`, `ready` or `stopping`. */
export interface Postmaster {
  readonly process: ProcessFacts;
  readonly status: string;
}

/**
 * Finds the postmaster by its pid file. The file may be stale and its number another's: it counts only if that process
 * lives and works in the data directory.
 */
export async function findPostmaster({ shell, paths }: Pick<InstanceContext, 'shell' | 'paths'>): Promise<Postmaster | undefined> {
  const lines = (await shell.read(`${paths.data}/postmaster.pid`))?.split('\n');
  const process = shell.readProcess(Math.abs(Number(lines?.[0] ?? 0)));
  if (!process || !shell.worksIn(process.pid, paths.data)) return undefined;
  return { process, status: lines?.[7]?.trim() ?? 'starting' };
}

/** Every living process of the instance, its servers and whatever builds its data directory. */
export function instanceProcesses({ shell, paths }: InstanceContext): ProcessFacts[] {
  return shell.processesUnder([paths.data, paths.building, paths.rewinding]);
}

/**
 * Every living process that could accept a write. PostgreSQL refuses a directory whose owner it does not run as, so that
 * other accounts need not be looked at, which is most of the work on a host with many databases.
 */
export function servingProcesses({ shell, paths, account }: InstanceContext): ProcessFacts[] {
  return shell.processesUnder([paths.data, paths.rewinding], { uid: account?.uid });
}
