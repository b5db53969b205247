import { EngineError } from '../../errors.js';
import type { Writing } from '../../ports.js';
import type { FileContent } from '../machine/files.js';
import { isGoodFor, type KeyPairPem } from '../fleet/certificates.js';
import { drawFreePort } from '../fleet/free-ports.js';
import { poolerAuthority } from '../fleet/pooler-authority.js';
import { endpointHosts } from '../fleet/fleet-description.js';
import { command, daemonLine } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { lastLines } from '../machine/tool-failure.js';
import { exactName, type ProcessFacts } from '../machine/host-shell.js';
import { hangsAtSite, isStopped } from '../machine/process-table.js';
import { waitUntil } from '../../wait-until.js';
import { archiveCommand } from './archive-command.js';
import { chooseFollowed, type FollowedSettings, isOutgrown, readFollowed, withFollowed } from './followed-settings.js';
import { hostBasedAccess } from './host-based-access.js';
import { binariesOf } from './instance-binaries.js';
import { asAccount, findPostmaster, instanceProcesses, readPort, type InstanceContext } from '../fleet/instance-context.js';
import { parseWriting, POOLER_AUTHORITY, postgresConfiguration } from './instance-settings.js';
import { CUSTOMERS_ROLE, POOLER_DATABASE, POOLER_ROLE } from '../sql/pooler-sql.js';
import { preloadOption } from './preloaded-libraries.js';
import { CONTROL_USER, DUMP_ROLE, REPLICATION_USER } from '../sql/cluster-sql.js';

/** What a log may grow to, while nobody looks at it for some seconds. */
export const LOG_LIMIT_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 4 * 1024;
/** Between two rounds of killing; a process in the kernel dies only when its call returns. */
const KILL_POLL_MS = 5;

/**
 * A certificate for the endpoint's names, which clients ask for through the router, and for the instance's own address,
 * unless the one that it has is still good. It tells nothing else about the instance.
 */
export async function certificateFor({ shell, paths, address, fleet, instance }: InstanceContext): Promise<KeyPairPem | undefined> {
  const region = fleet.region(instance.database.region);
  const endpoint = endpointHosts(fleet.description, region, instance.database.id);
  const hosts = [...endpoint, address];
  const found = await shell.read(`${paths.etc}/server.crt`);
  if (found !== undefined && isGoodFor(found, hosts)) return undefined;
  const authority = await fleet.authority(region.id);
  return authority.issue(endpoint[0], hosts);
}

/** The port that the instance had, or a free one of its host that no other instance was given. */
export async function choosePort(context: InstanceContext): Promise<number> {
  const own = await readPort(context);
  if (own !== undefined) return own;
  const { shell } = context;
  const databases = await shell.list(shell.root);
  const ports = await Promise.all(
    databases.map(async (database) => {
      const instances = await shell.list(`${shell.root}/${database}`);
      return Promise.all(instances.map((instance) => shell.read(`${shell.root}/${database}/${instance}/port`)));
    }),
  );
  return drawFreePort(context.address, new Set(ports.flat().map(Number)));
}

/** An instance's postgresql.conf as this version wants it to be. */
function wantedConfiguration({ address, fleet, instance, paths }: InstanceContext, port: number): string {
  const { size } = instance.database;
  return postgresConfiguration({ address, port, size, etc: paths.etc, archiveCommand: archiveCommand(fleet.archiveScript, paths.archiveConfiguration, size), name: instance.id });
}

/** What the instance was started with the last time; undefined if it never was. */
async function hadFollowed({ shell, paths }: InstanceContext): Promise<FollowedSettings | undefined> {
  const configuration = await shell.read(`${paths.etc}/postgresql.conf`);
  return configuration === undefined ? undefined : readFollowed(configuration);
}

/** Whether the instance is a primary with slots, and so with standbys, which may run. */
async function isFollowed({ shell, paths }: InstanceContext): Promise<boolean> {
  return !(await shell.exists(`${paths.data}/standby.signal`)) && (await shell.list(`${paths.data}/pg_replslot`)).length > 0;
}

/** Whether a standby that runs was started with less than what its primary may have (see {@link chooseFollowed}). */
export async function hasOutgrown(context: InstanceContext, port: number): Promise<boolean> {
  const had = await hadFollowed(context);
  return had !== undefined && isOutgrown(had, readFollowed(wantedConfiguration(context, port)));
}

/** What the files of a configuration depend on beside the instance itself. */
interface Standing {
  /** Whether it is a primary that others may follow, see {@link chooseFollowed}. */
  readonly leads: boolean;
  /** Who may write; nobody is kept from it if left out. */
  readonly writing?: Writing;
}

/** The files that are written before every start, whatever was in their place; who may write stays as it was. */
export async function configurationFiles(context: InstanceContext, port: number, certificate: KeyPairPem | undefined, { leads, writing = 'open' }: Standing): Promise<FileContent[]> {
  const wanted = wantedConfiguration(context, port);
  const followed = chooseFollowed(readFollowed(wanted), await hadFollowed(context), leads);
  return [
    ownFile(context, 'postgresql.conf', withFollowed(wanted, followed)),
    accessFile(context, writing),
    ownFile(context, 'pg_ident.conf', ''),
    ownFile(context, POOLER_AUTHORITY, (await poolerAuthority(context.fleet, context.instance.database.id)).certificate),
    ...(certificate ? [ownFile(context, 'server.key', certificate.key), ownFile(context, 'server.crt', certificate.certificate)] : []),
  ];
}

/** A file of an instance's configuration, which only its own account reads. */
export function ownFile({ paths, account }: InstanceContext, name: string, content: string): FileContent {
  return { path: `${paths.etc}/${name}`, content, mode: 0o600, ...(account ? { owner: account } : {}) };
}

/** Who may come in. */
export function accessFile(context: InstanceContext, writing: Writing): FileContent {
  const { database } = context.instance;
  const region = context.fleet.region(database.region);
  return ownFile(context, 'pg_hba.conf', hostBasedAccess({
    customersRole: CUSTOMERS_ROLE,
    pooler: { role: POOLER_ROLE, database: POOLER_DATABASE },
    controlUser: CONTROL_USER,
    replicationUser: REPLICATION_USER,
    dumpUser: DUMP_ROLE,
    peers: region.dataCenters.flatMap((center) => center.hosts.map((host) => host.address)),
    open: writing !== 'closed',
    gateway: region.gateway.address,
  }));
}

/** The files of an instance that is being made: {@link configurationFiles}, with a port and a certificate, and the port's own. */
export async function newFiles(context: InstanceContext): Promise<FileContent[]> {
  const [port, certificate] = await Promise.all([choosePort(context), certificateFor(context)]);
  return [...(await configurationFiles(context, port, certificate, { leads: false })), { path: context.paths.port, content: `${port}\n`, mode: 0o644 }];
}

/** Makes the instance's directories, for its own account; only inside a gate, for a destruction removes them. */
export function directoriesLine(context: InstanceContext): string {
  const { paths, account } = context;
  const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
  return [
    command('install', '-d', '-m', '0711', paths.database, paths.volume),
    command('install', '-d', '-m', '0711', ...owner, paths.home),
    command('install', '-d', '-m', '0700', ...owner, paths.etc),
  ].join(' && ');
}

/**
 * Starts the postmaster as a daemon, unless it runs, and waits until it answers.
 *
 * What a dead postmaster left behind is killed first: backends that outlive it hold the shared memory, and a pid file
 * whose number is a zombie's or another's makes PostgreSQL refuse.
 */
export async function bringUp(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const postmaster = await findPostmaster(context);
  // One that is stopped answers nobody, and never would.
  if (postmaster && !isStopped(postmaster.process)) return waitUntilReady(context, signal);
  const { shell, paths } = context;
  await killAll(context, gate, signal);
  const [port, certificate, logBytes, writing] = await Promise.all([choosePort(context), certificateFor(context), shell.sizeBytes(paths.log), shell.read(paths.writing)]);
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(await configurationFiles(context, port, certificate, { leads: await isFollowed(context), writing: parseWriting(writing) }));
  if (logBytes > LOG_LIMIT_BYTES) await gate.run(command('mv', '-T', '--', paths.log, `${paths.log}.1`));
  await launch(context, gate, signal);
}

/** Starts a postmaster whose configuration is written and whose data directory nobody uses, and waits until it answers. */
async function launch(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  await waitUntilReady(context, signal, await spawnPostmaster(context, gate));
}

/** Starts a postmaster as a daemon; answers at once, with the process that it is, unless that has died already. */
export async function spawnPostmaster(context: InstanceContext, gate: Gate, options: readonly string[] = []): Promise<ProcessFacts | undefined> {
  const { paths, shell } = context;
  const { directory } = await binariesOf(context);
  const preload = await preloadOption(shell, directory);
  const postgres = command(...asAccount(context.account), `${directory}/postgres`, '-D', paths.data, `--config-file=${paths.etc}/postgresql.conf`, ...preload, ...options);
  const output = await gate.must(`rm -f -- ${command(`${paths.data}/postmaster.pid`)}; ulimit -c 0; ${daemonLine(postgres, paths.log)} echo $!`, 'starting postgres');
  return context.shell.readProcess(Number(output.trim()));
}

/** Returns once the postmaster answers. With the process that was started, its death ends the wait. */
export async function waitUntilReady(context: InstanceContext, signal: AbortSignal, child?: ProcessFacts): Promise<void> {
  await waitUntil(`instance ${context.instance.id} to answer`, signal, async () => {
    const postmaster = await findPostmaster(context);
    if (postmaster?.status === 'ready') return true;
    const starting = child && context.shell.readProcess(child.pid);
    if (postmaster || (starting && exactName(starting) === exactName(child))) return undefined;
    const words = lastLines(await context.shell.readTail(context.paths.log, LOG_TAIL_BYTES));
    throw new EngineError('transient', `postgres of ${context.instance.id} did not start: ${words || 'it said nothing'}`, `see ${context.paths.log}`);
  });
}

/** Kills every process of the instance, stopped ones too, and returns once all of them are dead. */
export async function killAll(context: InstanceContext, gate: Gate, signal: AbortSignal, find = instanceProcesses): Promise<void> {
  await waitUntil(
    `the processes of ${context.instance.id} to die`,
    signal,
    async () => {
      const alive = find(context);
      if (alive.length === 0) return true;
      await gate.run(command('signal_exactly', 'KILL', ...alive.map(exactName)));
      return alive.every(hangsAtSite) || undefined;
    },
    KILL_POLL_MS,
  );
}
