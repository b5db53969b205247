import type { DatabaseSpec, Writing } from '../../../ports.js';
import { isGoodFor, type KeyPairPem } from '../../fleet/certificates.js';
import { endpointHosts } from '../../fleet/fleet-description.js';
import { drawFreePort } from '../../fleet/free-ports.js';
import { readPort, type InstanceContext } from '../../fleet/instance-context.js';
import { instancePaths, listInstances } from '../../fleet/instance-layout.js';
import { poolerAuthority } from '../../fleet/pooler-authority.js';
import type { FileContent } from '../../machine/files.js';
import { command } from '../../machine/gate-script.js';
import { CONTROL_USER, DUMP_ROLE, REPLICATION_USER } from '../../sql/cluster-sql.js';
import { CUSTOMERS_ROLE, POOLER_DATABASE, POOLER_ROLE } from '../../sql/pooler-sql.js';
import { PROBE_ROLE } from '../../sql/probe-sql.js';
import { archiveCommand } from './archive-command.js';
import { chooseFollowed, type FollowedSettings, isOutgrown, readFollowed, withFollowed } from './followed-settings.js';
import { hostBasedAccess } from './host-based-access.js';
import { POOLER_AUTHORITY, postgresConfiguration } from './instance-settings.js';

/** What a log may grow to, while nobody looks at it for some seconds. */
export const LOG_LIMIT_BYTES = 4 * 1024 * 1024;

/** What an instance's certificate depends on. */
export type CertificateSubject = Pick<InstanceContext, 'shell' | 'paths' | 'address' | 'fleet'> & {
  readonly instance: { readonly database: Pick<DatabaseSpec, 'id' | 'region'> };
};

/**
 * A certificate for the endpoint's names, which clients ask for through the router, and for the instance's own address,
 * unless the one that it has is still good; or the public one, if there is one. It tells nothing else about the instance.
 */
export async function certificateFor({ shell, paths, address, fleet, instance }: CertificateSubject): Promise<KeyPairPem | undefined> {
  const region = fleet.region(instance.database.region);
  const endpoint = endpointHosts(fleet.description, region, instance.database.id);
  const hosts = [...endpoint, address];
  const [found, key, wanted] = await Promise.all([
    shell.read(`${paths.etc}/server.crt`), shell.read(`${paths.etc}/server.key`), fleet.publicPair(),
  ]);
  if (wanted) return found === wanted.certificate && key === wanted.key ? undefined : wanted;
  if (found !== undefined && isGoodFor(found, hosts)) return undefined;
  const authority = await fleet.authority(region.id);
  return authority.issue(endpoint[0], hosts);
}

/** The port that the instance had, or a free one of its host that no other instance was given. */
export async function choosePort(context: InstanceContext): Promise<number> {
  const own = await readPort(context);
  if (own !== undefined) return own;
  const { shell, fleet } = context;
  const others = await listInstances(fleet.root, context.instance.host, shell.list);
  const ports = await Promise.all(others.map((other) => shell.read(instancePaths(fleet.root, other).port)));
  return drawFreePort(context.address, new Set(ports.map(Number)));
}

/** An instance's postgresql.conf as this version wants it to be. */
function wantedConfiguration({ address, fleet, instance, paths }: InstanceContext, port: number): string {
  const { size } = instance.database;
  return postgresConfiguration({
    address,
    port,
    size,
    etc: paths.etc,
    archiveCommand: archiveCommand(fleet.archiveScript, paths.archiveConfiguration, size),
    name: instance.id,
  });
}

/** What the instance was started with the last time; undefined if it never was. */
async function hadFollowed({ shell, paths }: InstanceContext): Promise<FollowedSettings | undefined> {
  const configuration = await shell.read(`${paths.etc}/postgresql.conf`);
  return configuration === undefined ? undefined : readFollowed(configuration);
}

/** Whether the instance is a primary with slots, and so with standbys, which may run. */
export async function isFollowed({ shell, paths }: InstanceContext): Promise<boolean> {
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
export async function configurationFiles(
  context: InstanceContext, port: number, certificate: KeyPairPem | undefined, { leads, writing = 'open' }: Standing,
): Promise<FileContent[]> {
  const wanted = wantedConfiguration(context, port);
  const followed = chooseFollowed(readFollowed(wanted), await hadFollowed(context), leads);
  return [
    ownFile(context, 'postgresql.conf', withFollowed(wanted, followed)),
    accessFile(context, writing),
    ownFile(context, 'pg_ident.conf', ''),
    ownFile(context, POOLER_AUTHORITY, (await poolerAuthority(context.fleet, context.instance.database.id)).certificate),
    ...(certificate ? certificateFiles(context, certificate) : []),
  ];
}

/** The files of what an instance presents to its clients. */
export function certificateFiles(context: Pick<InstanceContext, 'paths' | 'account'>, { certificate, key }: KeyPairPem): FileContent[] {
  return [ownFile(context, 'server.key', key), ownFile(context, 'server.crt', certificate)];
}

/** A file of an instance's configuration, which only its own account reads. */
export function ownFile({ paths, account }: Pick<InstanceContext, 'paths' | 'account'>, name: string, content: string): FileContent {
  return { path: `${paths.etc}/${name}`, content, mode: 0o600, ...(account ? { owner: account } : {}) };
}

/** Who may come in. */
export function accessFile(context: InstanceContext, writing: Writing): FileContent {
  const { database } = context.instance;
  const region = context.fleet.region(database.region);
  return ownFile(context, 'pg_hba.conf', hostBasedAccess({
    customersRole: CUSTOMERS_ROLE,
    pooler: { role: POOLER_ROLE, database: POOLER_DATABASE },
    prober: { role: PROBE_ROLE, database: POOLER_DATABASE },
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
  return [
    ...(await configurationFiles(context, port, certificate, { leads: false })),
    { path: context.paths.port, content: `${port}\n`, mode: 0o644 },
  ];
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
