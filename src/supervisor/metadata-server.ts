import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';

import { childEnvironment } from '../config/settings.js';
import { CliError } from '../cli/cli-error.js';
import { type Account, makeDirectory, readText, writeWhole } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';
import { workingDirectory } from './leftovers.js';
import { LOOPBACK } from './ports.js';
import type { Programs } from './programs.js';
import type { ProcessSpec } from './supervised-process.js';

/** What the embedded metadata database is made from. */
export interface MetadataOptions {
  /** The control directory, by a path that the server's account may pass. */
  readonly control: string;
  readonly programs: Programs;
  readonly account: Account | undefined;
  readonly port: number;
  readonly password: string;
  /** How it archives its WAL, and where its socket is. */
  readonly archiveCommand: string;
  readonly socketDirectory: string;
}

const NAME = 'freehold';
/** Given on the command line, so that a fleet of any age runs with the settings of the version that started it. */
const SETTINGS: Record<string, string> = {
  listen_addresses: LOOPBACK,
  max_connections: '100',
  shared_buffers: '32MB',
  max_wal_size: '256MB',
  min_wal_size: '64MB',
  max_wal_senders: '2',
  archive_mode: 'on',
  // At most so much is lost with the server's disk. The control plane writes all the time, a segment is small when compressed.
  archive_timeout: '10s',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_logical_replication_workers: '0',
  autovacuum_naptime: '1min',
  jit: 'off',
  password_encryption: 'scram-sha-256',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_timezone: 'UTC',
  timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
};
/**
 * The one role, which owns the one database. The superuser, who makes backups, has no password and comes in by the socket,
 * which lies where only the server's own account may pass.
 */
const HBA = `local postgres postgres trust\nhost ${NAME} ${NAME} ${LOOPBACK}/32 scram-sha-256\n`;
/** The size of a WAL segment: one is archived every {@link SETTINGS.archive_timeout}, full or not. */
const WAL_SEGMENT_MB = 4;
/** After a crash the server replays its WAL before it serves. */
const READY_WITHIN_MS = 120_000;

/** The URL by which the API and the workers reach the embedded metadata database. */
export function metadataUrl(port: number, password: string): string {
  return `postgresql://${NAME}:${encodeURIComponent(password)}@${LOOPBACK}:${port}/${NAME}`;
}

/**
 * The server as a restore starts it: it replays the archived WAL first, and may have another password than this fleet's
 * keys, so that the superuser is asked.
 */
export function restoredMetadataServer(options: MetadataOptions): ProcessSpec {
  return { ...metadataServer(options), isReady: () => answers(superuser(options)) };
}

/** Lets this fleet's control plane in, forgets how WAL was played, and answers until when it was. */
export async function takeOverMetadata(options: MetadataOptions): Promise<string | null> {
  // No longer than its first start: the file may be written by ALTER SYSTEM alone from then on.
  writeFileSync(join(workingDirectory(options.control, 'metadata'), 'postgresql.auto.conf'), '');
  const client = new pg.Client(superuser(options));
  await client.connect();
  try {
    await client.query(`ALTER ROLE ${NAME} PASSWORD ${pg.escapeLiteral(options.password)}`);
    const { rows } = await client.query<{ until: Date | null }>('SELECT pg_last_xact_replay_timestamp() AS until');
    return rows[0]?.until?.toISOString() ?? null;
  } finally {
    await client.end();
  }
}

/** Whether what is there is whole enough to be used: it can be asked for the databases. */
export function answersForDatabases(options: MetadataOptions): Promise<boolean> {
  return answers({ connectionString: metadataUrl(options.port, options.password) }, 'SELECT count(*) FROM databases');
}

/** Lets the server use its WAL again, or give it back, instead of taking new room for more. */
export async function checkpointMetadata(options: MetadataOptions): Promise<void> {
  const client = new pg.Client({ ...superuser(options), connectionTimeoutMillis: 2_000, query_timeout: 15_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('CHECKPOINT');
  } finally {
    await client.end().catch(() => undefined);
  }
}

const superuser = ({ socketDirectory, port }: MetadataOptions): pg.ClientConfig => ({
  host: socketDirectory, port, user: 'postgres', database: 'postgres',
});

/** The embedded metadata database as something to keep running; makes it when it starts for the first time. */
export function metadataServer(options: MetadataOptions): ProcessSpec {
  return {
    role: 'metadata',
    readyWithinMs: READY_WITHIN_MS,
    isReady: () => answers({ connectionString: metadataUrl(options.port, options.password) }),
    launch: async (log) => {
      const data = workingDirectory(options.control, 'metadata');
      if (!existsSync(join(data, 'PG_VERSION'))) await makeFirst(options, data, log);
      // Nothing of this cluster runs any more (its processes were looked for), so a pid file is a dead server's. Left
      // there, it would keep the next one from starting for as long as nobody reaps the dead. The same with its socket's.
      rmSync(join(data, 'postmaster.pid'), { force: true });
      await provideAccess(options, data);
      const own = { port: String(options.port), archive_command: options.archiveCommand, unix_socket_directories: options.socketDirectory };
      const settings = Object.entries({ ...SETTINGS, ...own }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return start(options, join(serverFolder(options.programs, data), 'postgres'), ['-D', data, ...settings], log);
    },
  };
}

/**
 * The fleet's first metadata. Where there was one before, an empty one in its place would forget every database: the
 * start is refused, again and again until it is given up.
 */
async function makeFirst(options: MetadataOptions, data: string, log: number): Promise<void> {
  if (existsSync(metadataMark(options.control))) throw lostMetadata(options.control);
  await makeCluster(options, data, log);
  await markMade(options.control);
}

/** There once the fleet has had metadata. */
const metadataMark = (control: string): string => join(control, 'metadata-made');

function markMade(control: string): Promise<void> {
  return writeWhole({ path: metadataMark(control), content: 'this fleet has metadata\n', mode: 0o600 });
}

/** @throws CliError if the fleet had a metadata database that is not there any more, or was restored and not looked through. */
export function refuseLostMetadata({ control, dataDir, restoringMetadata }: ControlDirectory): void {
  if (existsSync(restoringMetadata)) {
    throw new CliError(`the restore of the metadata of ${dataDir} was not finished: run freehold recover --data-dir ${dataDir} again`);
  }
  if (existsSync(metadataMark(control)) && !existsSync(join(workingDirectory(control, 'metadata'), 'PG_VERSION'))) {
    throw lostMetadata(control);
  }
}

/** @throws CliError if the metadata was made by a PostgreSQL that is not installed any more. */
export function refuseHomelessMetadata({ control }: ControlDirectory, programs: Programs): void {
  const data = workingDirectory(control, 'metadata');
  if (existsSync(join(data, 'PG_VERSION'))) serverFolder(programs, data);
}

const lostMetadata = (control: string): CliError =>
  new CliError(
    `the metadata database of this fleet is gone from ${workingDirectory(control, 'metadata')}; its databases go on serving: `
      + `bring it back with freehold recover --data-dir ${dirname(control)}`,
  );

/** Who is let in, and the place of the socket; also for a cluster that an earlier version made. */
async function provideAccess({ account, socketDirectory, control }: MetadataOptions, data: string): Promise<void> {
  // Only where they differ: a full disk would leave them empty, and keep a server that needs no room for them from starting.
  await provide(join(data, 'pg_hba.conf'), HBA, account);
  // All settings are given on the command line.
  await provide(join(data, 'postgresql.conf'), '', account);
  rmSync(socketDirectory, { recursive: true, force: true });
  await makeDirectory(socketDirectory, 0o700);
  chmodSync(socketDirectory, 0o700);
  if (account) chownSync(socketDirectory, account.uid, account.gid);
  if (!existsSync(metadataMark(control))) await markMade(control);
}

async function provide(path: string, content: string, owner: Account | undefined): Promise<void> {
  if ((await readText(path)) !== content) await writeWhole({ path, content, mode: 0o600, ...(owner && { owner }) });
}

async function makeCluster(options: MetadataOptions, data: string, log: number): Promise<void> {
  const half = `${data}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o700 });
  if (options.account) chownSync(half, options.account.uid, options.account.gid);
  const { forNew, passedOver } = options.programs.postgres;
  if (!forNew) throw new CliError(`the metadata database cannot be made: ${passedOver.join('; ')}`);
  const folder = forNew.directory;
  const flags = [
    '--username=postgres', '--encoding=UTF8', '--locale=C.UTF-8', '--data-checksums', '--auth=reject', '--no-instructions',
    `--wal-segsize=${WAL_SEGMENT_MB}`,
  ];
  await finish(start(options, join(folder, 'initdb'), ['-D', half, ...flags], log), 'initdb');
  const sql = [
    `CREATE ROLE ${NAME} LOGIN CREATEROLE PASSWORD '${options.password}'`,
    `CREATE DATABASE ${NAME} OWNER ${NAME}`,
    ...provideWal(),
  ];
  const settings = [
    'log_min_error_statement=panic', `min_wal_size=${SETTINGS.min_wal_size}`, `max_wal_size=${SETTINGS.max_wal_size}`,
  ].flatMap((setting) => ['-c', setting]);
  const single = start(options, join(folder, 'postgres'), ['--single', '-D', half, ...settings, 'postgres'], log, 'pipe');
  single.stdin?.end(`${sql.join('\n')}\n`);
  await finish(single, 'postgres --single');
  renameSync(half, data);
}

/**
 * Segments are used again, up to `min_wal_size` of them, and one for which a full disk has no room would end the server: so all
 * of them are made at once. Nothing is archived yet.
 */
function provideWal(): string[] {
  const segments = parseInt(SETTINGS.min_wal_size ?? '', 10) / WAL_SEGMENT_MB;
  return [...Array.from({ length: segments }, () => `SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()`), 'CHECKPOINT'];
}

function start(
  options: MetadataOptions, program: string, args: readonly string[], log: number, input: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  return spawn(program, args, {
    cwd: '/',
    detached: true,
    env: childEnvironment({ LC_ALL: 'C.UTF-8', TZ: 'UTC' }),
    stdio: [input, log, log],
    ...options.account,
  });
}

async function finish(child: ChildProcess, name: string): Promise<void> {
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new CliError(`${name} of the metadata database failed with code ${String(code)}`);
}

/** The programs of the major version that made the cluster: no other can run it. */
function serverFolder(programs: Programs, data: string): string {
  const major = Number(readFileSync(join(data, 'PG_VERSION'), 'utf8').trim());
  const found = programs.postgres.usable.find((binaries) => binaries.major === major);
  if (found === undefined) throw new CliError(`the metadata database cannot be started: ${programs.postgres.faultOf(major) ?? ''}`);
  return found.directory;
}

async function answers(server: pg.ClientConfig, question = 'SELECT 1'): Promise<boolean> {
  const client = new pg.Client({ ...server, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(question);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
