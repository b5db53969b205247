import { WRITING } from '../../../instance-model.js';
import type { InstanceSize, Writing } from '../../../ports.js';

/** Sessions that the control plane may open when the customer has used up all theirs. */
export const RESERVED_CONNECTIONS = 6;
/** Sessions in which a database's pooler looks up how its clients log in. */
export const LOOKUP_CONNECTIONS = 2;
/** The file with the authority of the database's pooler, in the directory of the instance's configuration. */
export const POOLER_AUTHORITY = 'pooler-ca.crt';
/** Sessions that dump, which are no superusers: two at once (`DUMPS_AT_ONCE`). */
export const DUMP_CONNECTIONS = 2;
/**
 * A dump holds a lock on each table, view and sequence of the database. The table of locks has room for so many times
 * `max_connections`, and for twice as many where nothing else is locked: with 58 connections 44,000 were held. It takes 3.8 MB
 * more of memory than with PostgreSQL's 64; with 1,024 it would be 13.7 MB.
 */
const LOCKS_PER_TRANSACTION = 384;
const WAL_SEGMENT_MB = 4;

export interface InstanceSettings {
  readonly address: string;
  readonly port: number;
  readonly size: InstanceSize;
  readonly etc: string;
  /** Takes a segment of WAL to where it is kept. */
  readonly archiveCommand: string;
  /** Shown in the list of processes. */
  readonly name: string;
}

/**
 * The whole of an instance's postgresql.conf, rewritten before every start.
 *
 * It lies outside of PGDATA, so that neither a base backup nor a rewind brings the settings of another instance along.
 * Numbers that name no source were measured (`measured.md`, "Density" and "Rewinding and the archive").
 */
export function postgresConfiguration(settings: InstanceSettings): string {
  const { size, etc, archiveCommand } = settings;
  const lines: Record<string, string | number>[] = [
    network(settings), memory(size), writeAheadLog(size, archiveCommand), replication(), quiet(size), logging(), statements(size),
  ];
  const body = lines.flatMap((group) => Object.entries(group).map(([name, value]) => `${name} = ${settingValue(value)}`));
  const included = ['upstream', 'synchronous', 'writing'].map((name) => `include_if_exists = '${etc}/${name}.conf'`);
  return `${['# written before every start; changes made by hand do not last', ...body, ...included].join('\n')}\n`;
}

function network({ address, port, size, etc, name }: InstanceSettings): Record<string, string | number> {
  return {
    listen_addresses: address,
    port,
    unix_socket_directories: '',
    cluster_name: name,
    hba_file: `${etc}/pg_hba.conf`,
    ident_file: `${etc}/pg_ident.conf`,
    // See followed-settings.ts before this, or `max_locks_per_transaction`, is changed.
    max_connections: size.maxConnections + LOOKUP_CONNECTIONS + DUMP_CONNECTIONS + RESERVED_CONNECTIONS,
    superuser_reserved_connections: RESERVED_CONNECTIONS,
    ssl: 'on',
    ssl_cert_file: `${etc}/server.crt`,
    ssl_key_file: `${etc}/server.key`,
    // Whose certificates are taken: see host-based-access.ts.
    ssl_ca_file: `${etc}/${POOLER_AUTHORITY}`,
    ssl_min_protocol_version: 'TLSv1.2',
    // Of TLS 1.2: with forward secrecy, and encrypted and authenticated in one. Those of 1.3 all are.
    ssl_ciphers: 'ECDHE+AESGCM:ECDHE+CHACHA20',
    password_encryption: 'scram-sha-256',
    tcp_keepalives_idle: 30,
    tcp_keepalives_interval: 10,
    tcp_keepalives_count: 3,
    authentication_timeout: '10s',
  };
}

/** A sixteenth of small instances and a quarter of large ones is shared; the rest is for sessions and the system's cache. */
export function sharedBuffersMb(memoryMb: number): number {
  const share = memoryMb >= 4_096 ? memoryMb / 4 : memoryMb / 16;
  return Math.min(16_384, Math.max(16, Math.floor(share)));
}

function memory(size: InstanceSize): Record<string, string | number> {
  const workMemMb = Math.min(64, Math.max(1, Math.floor(size.memoryMb / (4 * size.maxConnections))));
  return {
    shared_buffers: `${sharedBuffersMb(size.memoryMb)}MB`,
    effective_cache_size: `${Math.max(32, Math.floor(size.memoryMb / 2))}MB`,
    work_mem: `${workMemMb}MB`,
    maintenance_work_mem: `${Math.min(1_024, Math.max(16, Math.floor(size.memoryMb / 16)))}MB`,
    temp_file_limit: `${Math.max(64, Math.floor((size.diskGb * 1_024) / 4))}MB`,
    huge_pages: 'try',
    max_locks_per_transaction: LOCKS_PER_TRANSACTION,
    max_worker_processes: 8,
    max_parallel_workers_per_gather: size.memoryMb >= 2_048 ? 2 : 0,
    jit: 'off',
  };
}

/** What a server's process has of its own before it does anything. */
const PROCESS_MB = 64;

/**
 * Memory that one process of a server may have for itself, in KiB: the limit of the system for its data segment, in which what is
 * shared does not count. A session that asks for more than the plan has is told `out of memory` and goes on; without the limit the
 * kernel would kill it, with all other sessions of the instance, or a neighbour.
 */
export const processMemoryKb = ({ memoryMb }: Pick<InstanceSize, 'memoryMb'>): number => (memoryMb + PROCESS_MB) * 1_024;

/** WAL that may wait for an archive, in MiB; what exceeds it is given up, so that the customer can go on writing. */
export function mostWaitingWalMb(size: InstanceSize): number {
  return clamp((size.diskGb * 1_024) / 5, 128, 10_240);
}

export const WAL_SEGMENT_BYTES = WAL_SEGMENT_MB * 1_024 * 1_024;

function writeAheadLog(size: InstanceSize, archiveCommand: string): Record<string, string | number> {
  const diskMb = size.diskGb * 1_024;
  return {
    wal_level: 'replica',
    archive_mode: 'on',
    archive_command: archiveCommand,
    // Only where something was written: what a loss of all instances at once can cost.
    archive_timeout: '60s',
    // pg_rewind compares pages by these; checksums alone would do, but a restored cluster may have none.
    wal_log_hints: 'on',
    min_wal_size: `${8 * WAL_SEGMENT_MB}MB`,
    max_wal_size: `${clamp(diskMb / 10, 64, 2_048)}MB`,
    // 16 MB was too little for a rewind, whose crash recovery recycles what it needs; 256 MB worked.
    wal_keep_size: `${clamp(diskMb / 10, 64, 256)}MB`,
    max_slot_wal_keep_size: `${mostWaitingWalMb(size)}MB`,
    checkpoint_timeout: '15min',
  };
}

function replication(): Record<string, string | number> {
  return {
    hot_standby: 'on',
    max_wal_senders: 10,
    max_replication_slots: 10,
    // With its default of 5 s a promotion just after the primary's death takes that long.
    wal_retrieve_retry_interval: '100ms',
    // Commits wait for a synchronous standby that hangs, until its sender gives it up and it can be taken off the list.
    wal_sender_timeout: '4s',
    // A standby is the second witness of a primary that hangs, and is asked about 1.5 s after the first miss: with more it
    // would hold up the failover, with less it would take a busy machine for a dead one.
    wal_receiver_timeout: '1700ms',
    // What reads on a standby may hold up the replay for so long at most, which is what a failover may have to make up for.
    max_standby_streaming_delay: '1s',
    // Nobody reads on a standby for long; with feedback, one that is away would hold back vacuum on its primary, by its slot.
    hot_standby_feedback: 'off',
    max_logical_replication_workers: 0,
    recovery_target_timeline: 'latest',
  };
}

/** Instances are many and mostly idle: what wakes up for nothing is slowed down where the customer is small. */
function quiet(size: InstanceSize): Record<string, string | number> {
  const small = size.memoryMb < 1_024;
  return {
    autovacuum_naptime: small ? '5min' : '1min',
    autovacuum_max_workers: small ? 1 : 3,
    bgwriter_delay: small ? '10s' : '200ms',
    wal_writer_delay: '200ms',
  };
}

function logging(): Record<string, string | number> {
  return {
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d ',
    log_checkpoints: 'off',
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
}

/**
 * What statements cost is counted, so that `pg_stat_statements` shows the past as soon as it is made; see
 * `preloaded-libraries.ts`. Statements that are no queries are not: in their texts stand passwords and verifiers.
 */
function statements(size: InstanceSize): Record<string, string | number> {
  return { 'pg_stat_statements.max': size.memoryMb < 1_024 ? 1_000 : 5_000, 'pg_stat_statements.track_utility': 'off' };
}

/** The one line that names the synchronous standbys; any one of them acknowledges a commit (`protocol.md`, rule 3). */
export function synchronousConfiguration(standbyIds: readonly string[]): string {
  return `synchronous_standby_names = ${settingValue(synchronousNames(standbyIds))}\n`;
}

export function synchronousNames(standbyIds: readonly string[]): string {
  return standbyIds.length === 0 ? '' : `ANY 1 (${standbyIds.map((id) => `"${id}"`).join(', ')})`;
}

/** The reverse of {@link synchronousNames}. */
export function parseSynchronousNames(value: string): string[] {
  return [...value.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
}

/** What {@link parseWriting} finds again. A session that asks for it may write unless nobody may come in. */
export function writingConfiguration(writing: Writing): string {
  // An autovacuum worker runs the customer's functions in indexes, which may write; one against wraparound does not.
  const settings = {
    open: '', readOnly: 'default_transaction_read_only = on\n', closed: 'default_transaction_read_only = on\nautovacuum = off\n',
  };
  return `# ${writing}\n${settings[writing]}`;
}

export function parseWriting(content: string | undefined): Writing {
  return WRITING.find((writing) => content?.startsWith(`# ${writing}\n`)) ?? 'open';
}

export interface Upstream {
  readonly address: string;
  /** What its certificate is for. */
  readonly serverName: string;
  readonly port: number;
  readonly user: string;
  readonly instanceId: string;
  readonly slot: string;
  readonly passfile: string;
  readonly rootCertificatePath: string;
}

/** Where a standby streams from; read by a primary too, which makes nothing of it. */
export function upstreamConfiguration(upstream: Upstream): string {
  return `primary_conninfo = ${settingValue(connectionInfo(upstream))}\nprimary_slot_name = ${settingValue(upstream.slot)}\n`;
}

/** The same configuration with another name by which the primary is verified; undefined if it has that name already. */
export function withServerName(configuration: string, serverName: (address: string) => string): string | undefined {
  const renamed = configuration.replace(/ = 'host=''([^']*)''(?: hostaddr=''([^']*)'')?/, (_, host: string, address: string = host) => (
    ` = 'host=''${serverName(address)}''${serverName(address) === address ? '' : ` hostaddr=''${address}''`}`));
  return renamed === configuration ? undefined : renamed;
}

/** TLS with the server's identity checked; the password is in a file of the instance's own account. */
export function connectionInfo(upstream: Upstream): string {
  const parts: Record<string, string | number> = {
    host: upstream.serverName,
    ...(upstream.serverName !== upstream.address && { hostaddr: upstream.address }),
    port: upstream.port,
    user: upstream.user,
    passfile: upstream.passfile,
    application_name: upstream.instanceId,
    sslmode: 'verify-full',
    sslrootcert: upstream.rootCertificatePath,
    connect_timeout: 5,
    keepalives_idle: 10,
    keepalives_interval: 5,
    keepalives_count: 2,
  };
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${typeof value === 'number' ? value : `'${value.replaceAll(/(['\\])/g, '\\$1')}'`}`)
    .join(' ');
}

function settingValue(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.floor(Math.min(high, Math.max(low, value)));
}
